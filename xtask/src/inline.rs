//! Wasm bytes as JavaScript text: one character U+0000 to U+00FF a byte, masked.

/// Every byte is XORed with it. It makes the commonest byte of a module, 0, a plain character; a NUL would have to be
/// escaped, since editors, diff tools and some servers take a file with one for a binary.
pub(crate) const MASK: u8 = 42;

/// Writes `bytes` as a template literal, which needs the fewest escapes.
pub(crate) fn template_literal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    text.push('`');
    for (at, byte) in bytes.iter().enumerate() {
        let next = bytes.get(at + 1).map(|byte| byte ^ MASK);
        match byte ^ MASK {
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
    use super::{MASK, template_literal};

    fn literal_of(text: &[u8]) -> String {
        let bytes: Vec<u8> = text.iter().map(|byte| byte ^ MASK).collect();
        template_literal(&bytes)
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
    fn a_byte_above_ascii_is_one_character() {
        assert_eq!(literal_of(&[0x80, 0xff]), "`\u{80}\u{ff}`");
    }
}
