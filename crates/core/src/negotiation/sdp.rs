//! The few things a client must read and write in session descriptions (RFC 8866, RFC 8840, RFC 9725).

use alloc::string::String;

/// Writes a fragment for a PATCH: the offer's credentials and these candidates, all of them in its
/// first section, to which the others are bundled (RFC 9725 §4.3.2). Nothing if the offer has none.
#[must_use]
pub fn fragment(offer: &str, candidates: &[String]) -> Option<String> {
    let mut text = String::new();
    let group = line(offer, "a=group:");
    let first = [line(offer, "m="), line(offer, "a=mid:")];
    let credentials = [line(offer, "a=ice-ufrag:"), line(offer, "a=ice-pwd:")];
    group.into_iter().for_each(|group| put(&mut text, group));
    for part in first.into_iter().chain(credentials) {
        put(&mut text, part?);
    }
    for candidate in candidates {
        match candidate.as_str() {
            "" => put(&mut text, "a=end-of-candidates"),
            candidate => {
                text.push_str("a=");
                put(&mut text, candidate);
            }
        }
    }
    Some(text)
}

/// Renews an answer by the fragment that answered an ICE restart: its credentials and candidates take
/// the place of the old ones. Nothing if the fragment has no credentials.
#[must_use]
pub fn renewed(answer: &str, fragment: &str) -> Option<String> {
    let (ufrag, pwd) = (
        line(fragment, "a=ice-ufrag:")?,
        line(fragment, "a=ice-pwd:")?,
    );
    let mut fresh = lines(fragment).filter(is_candidate).peekable();
    let mut text = String::new();
    let mut sections = 0;
    for old in lines(answer).filter(|old| !is_candidate(old)) {
        if old.starts_with("a=ice-ufrag:") {
            put(&mut text, ufrag);
        } else if old.starts_with("a=ice-pwd:") {
            put(&mut text, pwd);
            // Where the first section has its own; the others are bundled to it.
            if sections > 0 {
                fresh
                    .by_ref()
                    .for_each(|candidate| put(&mut text, candidate));
            }
        } else {
            sections += u32::from(old.starts_with("m="));
            put(&mut text, old);
        }
    }
    // Credentials of the whole session: the candidates are the last section's to hold.
    fresh.for_each(|candidate| put(&mut text, candidate));
    Some(text)
}

fn is_candidate(line: &&str) -> bool {
    line.starts_with("a=candidate:") || *line == "a=end-of-candidates"
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty())
}

fn line<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    lines(text).find(|line| line.starts_with(start))
}

fn put(text: &mut String, line: &str) {
    text.push_str(line);
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=ice-ufrag:Abcd\r\na=ice-pwd:secret\r\na=mid:0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:Abcd\r\na=ice-pwd:secret\r\na=mid:1\r\n";

    #[test]
    fn a_fragment_names_the_first_section_and_the_credentials() {
        let candidates = [
            "candidate:1 1 udp 2 10.0.0.1 5 typ host".into(),
            String::new(),
        ];
        assert_eq!(
            fragment(OFFER, &candidates).unwrap(),
            "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:0\r\na=ice-ufrag:Abcd\r\na=ice-pwd:secret\r\n\
             a=candidate:1 1 udp 2 10.0.0.1 5 typ host\r\na=end-of-candidates\r\n"
        );
        assert_eq!(fragment("v=0\r\n", &candidates), None);
    }

    #[test]
    fn a_renewed_answer_has_new_credentials_and_candidates_everywhere_and_once() {
        let answer = OFFER.replace(
            "a=mid:0",
            "a=mid:0\r\na=candidate:9 1 udp 2 10.0.0.9 5 typ host",
        );
        let restart = "a=ice-ufrag:New1\r\na=ice-pwd:fresh\r\nm=audio 9 X 0\r\na=mid:0\r\na=candidate:7 1 udp 2 10.0.0.7 5 typ host\r\n";
        let renewed = renewed(&answer, restart).unwrap();
        assert_eq!(renewed.matches("a=ice-ufrag:New1").count(), 2);
        assert_eq!(renewed.matches("a=ice-pwd:fresh").count(), 2);
        assert_eq!(renewed.matches("a=candidate:7").count(), 1);
        for old in ["Abcd", "secret", "10.0.0.9"] {
            assert!(!renewed.contains(old), "{old}");
        }
        let audio = renewed.find("a=candidate:7").unwrap();
        assert!(audio < renewed.find("m=application").unwrap());
        assert_eq!(super::renewed(&answer, "a=mid:0\r\n"), None);
    }

    #[test]
    fn credentials_of_the_whole_session_are_renewed_too() {
        let answer = "v=0\r\na=ice-ufrag:a\r\na=ice-pwd:b\r\nm=audio 9 X 0\r\na=mid:0\r\n";
        let restart =
            "a=ice-ufrag:c\r\na=ice-pwd:d\r\na=candidate:7 1 udp 2 10.0.0.7 5 typ host\r\n";
        assert_eq!(
            renewed(answer, restart).unwrap(),
            "v=0\r\na=ice-ufrag:c\r\na=ice-pwd:d\r\nm=audio 9 X 0\r\na=mid:0\r\na=candidate:7 1 udp 2 10.0.0.7 5 typ host\r\n"
        );
    }
}
