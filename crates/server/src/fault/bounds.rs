//! The numbers of a fault, true to their limits once parsed.

use std::time::Duration;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

/// A duration of at most an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct Millis(u64);

impl Millis {
    pub(super) fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    pub(super) fn clamped(duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(Self::MAX);
        Self(millis.min(Self::MAX))
    }

    pub(super) fn tenth() -> Self {
        Self(100)
    }

    const MAX: u64 = 3_600_000;
}

impl TryFrom<u64> for Millis {
    type Error = String;

    fn try_from(millis: u64) -> Result<Self, String> {
        if millis > Self::MAX {
            return Err(format!("`ms` must be at most {}", Self::MAX));
        }
        Ok(Self(millis))
    }
}

/// A block size, 1 byte to 16 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "usize")]
pub(super) struct ByteCount(usize);

impl ByteCount {
    pub(super) fn count(self) -> usize {
        self.0
    }

    pub(super) fn clamped(bytes: usize) -> Self {
        Self(bytes.clamp(1, Self::MAX))
    }

    pub(super) fn block() -> Self {
        Self(64 * 1024)
    }

    pub(super) fn drop() -> Self {
        Self(16)
    }

    const MAX: usize = 16 * 1024 * 1024;
}

impl TryFrom<usize> for ByteCount {
    type Error = String;

    fn try_from(bytes: usize) -> Result<Self, String> {
        if bytes == 0 || bytes > Self::MAX {
            return Err(format!("`bytes` must be 1 to {}", Self::MAX));
        }
        Ok(Self(bytes))
    }
}

/// The status of a final answer, 200 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16")]
pub(super) struct Code(u16);

impl Code {
    pub(super) fn from_status(status: StatusCode) -> Self {
        Self::try_from(status.as_u16()).unwrap_or(Self(503))
    }

    pub(super) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.0).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
    }
}

impl TryFrom<u16> for Code {
    type Error = String;

    fn try_from(code: u16) -> Result<Self, String> {
        if !(200..=599).contains(&code) {
            return Err("`code` must be 200 to 599".into());
        }
        Ok(Self(code))
    }
}
