//! Wasm bytes as JavaScript text: one character U+0000 to U+00FF a byte, masked.

/// What bytes may be XORed with. It makes the commonest byte of a module, 0, a plain character; a NUL would have to be
/// escaped, since editors, diff tools and some servers take a file with one for a binary.
const MASKS: std::ops::RangeInclusive<u8> = b'*'..=b'/';

/// Chooses the mask after which no NUL stands before a digit, if there is one: however that is spelt, swc, which Parcel
/// builds with, makes an octal escape of it.
pub(crate) fn mask_of(bytes: &[u8]) -> u8 {
    let octal = |mask: u8| {
        bytes
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a ^ mask == 0 && (b ^ mask).is_ascii_digit()))
    };
    MASKS
        .into_iter()
        .find(|mask| !octal(*mask))
        .unwrap_or(*MASKS.start())
}

/// Writes `bytes`, masked, as a template literal, which needs the fewest escapes.
pub(crate) fn template_literal(bytes: &[u8], mask: u8) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    text.push('`');
    for (at, byte) in bytes.iter().enumerate() {
        let next = bytes.get(at + 1).map(|byte| byte ^ mask);
        match byte ^ mask {
            b'`' => text.push_str("\\`"),
            b'\\' => text.push_str("\\\\"),
            b'$' if next == Some(b'{') => text.push_str("\\$"),
            // A template literal turns CR and CRLF into LF.
            b'\r' => text.push_str("\\r"),
            0 if next.is_some_and(|next| next.is_ascii_digit()) => text.push_str("\\x00"),
            0 => text.push_str("\\0"),
            plain => text.push(char::from(plain)),
        }
    }
    text.push('`');
    text
}

#[cfg(test)]
mod tests {
    use super::{mask_of, template_literal};

    fn literal_of(text: &[u8]) -> String {
        let bytes: Vec<u8> = text.iter().map(|byte| byte ^ 42).collect();
        template_literal(&bytes, 42)
    }

    #[test]
    fn what_a_template_literal_would_change_is_escaped() {
        assert_eq!(literal_of(b"a`b\\c${d$e\r\n"), "`a\\`b\\\\c\\${d$e\\r\n`");
    }

    #[test]
    fn a_nul_before_a_digit_is_no_octal_escape() {
        assert_eq!(literal_of(b"\0a\x007"), "`\\0a\\x007`");
    }

    #[test]
    fn the_mask_leaves_no_nul_before_a_digit() {
        assert_eq!(mask_of(b"\0asm"), 42);
        assert_eq!(mask_of(&[42, b'7' ^ 42]), 43);
    }

    #[test]
    fn a_byte_above_ascii_is_one_character() {
        assert_eq!(literal_of(&[0x80, 0xff]), "`\u{80}\u{ff}`");
    }
}
