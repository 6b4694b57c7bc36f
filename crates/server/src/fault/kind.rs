//! The kinds of fault: their numbers, the classes they can break and those they break unasked.

use serde::{Deserialize, Serialize};

use super::bounds::{ByteCount, Code, Millis};
use super::class::Class;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Kind {
    Refuse403 {},
    Rst {},
    Hang {},
    Swallow {},
    Flap {
        #[serde(default = "Millis::tenth")]
        ms: Millis,
        #[serde(default = "yes")]
        pass: bool,
    },
    MuteSse {},
    Buffer {
        #[serde(default = "ByteCount::block")]
        bytes: ByteCount,
    },
    Delay {
        ms: Millis,
    },
    SlowDrip {
        #[serde(default = "ByteCount::drop")]
        bytes: ByteCount,
        #[serde(default = "Millis::tenth")]
        ms: Millis,
    },
    CutAfter {
        ms: Millis,
    },
    #[serde(rename = "post-404")]
    Post404 {},
    PostHang {},
    Status {
        code: Code,
        #[serde(
            rename = "retryAfter",
            default,
            skip_serializing_if = "Option::is_none"
        )]
        retry_after: Option<u32>,
    },
    Down {},
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Refuse403 {} => "refuse403",
            Self::Rst {} => "rst",
            Self::Hang {} => "hang",
            Self::Swallow {} => "swallow",
            Self::Flap { .. } => "flap",
            Self::MuteSse {} => "mute-sse",
            Self::Buffer { .. } => "buffer",
            Self::Delay { .. } => "delay",
            Self::SlowDrip { .. } => "slow-drip",
            Self::CutAfter { .. } => "cut-after",
            Self::Post404 {} => "post-404",
            Self::PostHang {} => "post-hang",
            Self::Status { .. } => "status",
            Self::Down {} => "down",
        }
    }

    pub(super) fn default_classes(self) -> &'static [Class] {
        match self {
            Self::Refuse403 {}
            | Self::Rst {}
            | Self::Hang {}
            | Self::Swallow {}
            | Self::Flap { .. } => &[Class::Websocket],
            Self::MuteSse {} | Self::Buffer { .. } | Self::SlowDrip { .. } => &[Class::Sse],
            Self::CutAfter { .. } => &[Class::Websocket, Class::Sse, Class::Poll],
            Self::Post404 {} | Self::PostHang {} => &[Class::Post],
            Self::Delay { .. } | Self::Status { .. } => &Class::REALTIME,
            Self::Down {} => &Class::ALL,
        }
    }

    pub(super) fn can_break(self, class: Class) -> bool {
        match self {
            Self::Swallow {} | Self::Flap { .. } => class == Class::Websocket,
            Self::Down {} => true,
            Self::Refuse403 {}
            | Self::Rst {}
            | Self::Hang {}
            | Self::MuteSse {}
            | Self::Buffer { .. }
            | Self::Delay { .. }
            | Self::SlowDrip { .. }
            | Self::CutAfter { .. }
            | Self::Post404 {}
            | Self::PostHang {}
            | Self::Status { .. } => class != Class::Other,
        }
    }
}

fn yes() -> bool {
    true
}
