//! Random runs.

