//! As much of STUN as it takes to see whom a datagram is for (RFC 8489 §5, §14).

const HEADER: usize = 20;
const BINDING_REQUEST: [u8; 2] = [0, 1];
const USERNAME: [u8; 2] = [0, 6];

/// The ICE user fragment of whom a binding request is for: what stands before the colon of its
/// `USERNAME` (RFC 8445 §7.2.2). Nothing is checked: the peer does that.
pub(super) fn addressee(datagram: &[u8]) -> Option<&str> {
    let (header, mut rest) = datagram.split_at_checked(HEADER)?;
    if !header.starts_with(&BINDING_REQUEST) {
        return None;
    }
    loop {
        let (kind, after) = rest.split_first_chunk::<2>()?;
        let (length, after) = after.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (value, _) = after.split_at_checked(length)?;
        if *kind == USERNAME {
            let name = std::str::from_utf8(value).ok()?;
            return name.split_once(':').map(|(local, _)| local);
        }
        rest = after.get(length.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, 0];
        bytes.resize(HEADER, 7);
        for (kind, value) in attributes {
            bytes.extend(kind.to_be_bytes());
            bytes.extend((value.len() as u16).to_be_bytes());
            bytes.extend(*value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn the_name_is_found_behind_other_attributes() {
        let bytes = request(&[
            (0x24, &[1, 2, 3, 4]),
            (0x8022, b"a name"),
            (6, b"here:there"),
        ]);
        assert_eq!(addressee(&bytes), Some("here"));
    }

    #[test]
    fn what_is_cut_anywhere_names_nobody() {
        let bytes = request(&[(0x8022, b"abcde"), (6, b"here:there")]);
        for end in 0..bytes.len() - 2 {
            assert_eq!(addressee(&bytes[..end]), None, "{end}");
        }
        assert_eq!(addressee(&request(&[(6, b"no colon")])), None);
        assert_eq!(addressee(&request(&[(6, &[0xff, b':', b'a'])])), None);
        let mut answer = request(&[(6, b"here:there")]);
        answer[0] = 1;
        assert_eq!(addressee(&answer), None);
    }
}
