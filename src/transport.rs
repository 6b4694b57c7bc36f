//! Transports that negotiate before they carry. The others are JavaScript alone: `src/transport/*.js`.

pub(crate) mod webrtc;
