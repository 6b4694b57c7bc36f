//! Throughline's reference server and fault proxy.

pub mod fault;
