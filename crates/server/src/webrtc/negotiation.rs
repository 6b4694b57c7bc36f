//! Offers, answers and fragments of them (RFC 8829, RFC 8840).

use std::fmt;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use str0m::change::SdpOffer;
use str0m::config::DtlsCert;
use str0m::{Candidate, IceCreds, Rtc};

/// Bytes of data that a channel may hold unacknowledged.
const BUFFER: usize = 512 << 10;

/// Most candidates that are taken from an offer and all fragments after it, and so most addresses that
/// a client can make the server knock at before it begins ICE anew.
const CANDIDATES: usize = 32;

/// Why an offer or a fragment is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadSdp(String);

/// A negotiated connection, and the offer that it goes back to.
pub(super) struct Negotiated {
    pub(super) rtc: Rtc,
    offer: String,
    remote: IceCreds,
    /// Counts the times that ICE has begun.
    version: u64,
    /// Candidates that may still come.
    room: usize,
}

/// What a client says after its offer: its candidates, or fresh credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fragment {
    ufrag: Option<String>,
    password: Option<String>,
    candidates: Vec<String>,
}

/// What a fragment asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Trickle,
    Restart,
}

/// Answers an offer.
pub(super) fn answer(
    text: &str,
    address: SocketAddr,
    identity: &DtlsCert,
) -> Result<(Negotiated, String), BadSdp> {
    let (offer, room) = bounded(text)?;
    let remote = credentials(&offer)?;
    if !offer.contains("m=application") {
        return Err(BadSdp("the offer has no data channel".into()));
    }
    let config = str0m::RtcConfig::new()
        .clear_codecs()
        .enable_pcmu(true, false)
        .enable_pcma(true, false)
        .set_dtls_cert(identity.clone())
        .set_local_ice_credentials(IceCreds::new())
        .set_sctp_max_buffered_amount(BUFFER);
    let mut rtc = config.build(Instant::now());
    let candidate = Candidate::host(address, "udp").map_err(|error| BadSdp(error.to_string()))?;
    rtc.add_local_candidate(candidate);
    let answer = accept(&mut rtc, &offer)?;
    let negotiated = Negotiated {
        rtc,
        offer,
        remote,
        version: 1,
        room,
    };
    Ok((negotiated, answer))
}

impl Negotiated {
    /// The server's own user fragment.
    pub(super) fn ufrag(&mut self) -> String {
        self.rtc.direct_api().local_ice_credentials().ufrag
    }

    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// What a fragment asks for: credentials other than the ones known begin ICE anew.
    pub(super) fn wish(&self, fragment: &Fragment) -> Wish {
        match &fragment.ufrag {
            Some(ufrag) if *ufrag != self.remote.ufrag => Wish::Restart,
            Some(_) | None => Wish::Trickle,
        }
    }

    /// Takes the candidates of a fragment. Those that name no address, such as `.local` ones, are
    /// found out by their own checks; those for which there is no room are lost.
    pub(super) fn trickle(&mut self, fragment: &Fragment) {
        let known = fragment.candidates.iter();
        let known = known.filter_map(|candidate| Candidate::from_sdp_string(candidate).ok());
        for candidate in known.take(self.room) {
            self.rtc.add_remote_candidate(candidate);
            self.room -= 1;
        }
    }

    /// Begins ICE anew, with the offer that the client would make now. Returns the fragment for it.
    pub(super) fn restart(&mut self, fragment: &Fragment) -> Result<String, BadSdp> {
        let (Some(ufrag), Some(password)) = (&fragment.ufrag, &fragment.password) else {
            return Err(BadSdp("ice-ufrag or ice-pwd is missing".into()));
        };
        let offer = renewed(&self.offer, ufrag, password, &fragment.candidates);
        let answer = accept(&mut self.rtc, &offer)?;
        self.remote = IceCreds {
            ufrag: ufrag.clone(),
            pass: password.clone(),
        };
        self.offer = offer;
        self.version += 1;
        self.room = CANDIDATES - fragment.candidates.len();
        Ok(excerpt(&answer))
    }
}

impl Fragment {
    pub(super) fn parse(text: &str) -> Result<Self, BadSdp> {
        let mut fragment = Self {
            ufrag: None,
            password: None,
            candidates: Vec::new(),
        };
        for line in text.lines() {
            if let Some(ufrag) = line.strip_prefix("a=ice-ufrag:") {
                fragment.ufrag = Some(token(ufrag)?);
            } else if let Some(password) = line.strip_prefix("a=ice-pwd:") {
                fragment.password = Some(token(password)?);
            } else if let Some(candidate) = line.strip_prefix("a=candidate:")
                && fragment.candidates.len() < CANDIDATES
            {
                fragment.candidates.push(format!("candidate:{candidate}"));
            } else if !line.is_empty() && line.as_bytes().get(1) != Some(&b'=') {
                return Err(BadSdp("not a fragment of a session description".into()));
            }
        }
        if fragment.ufrag.is_none() && fragment.candidates.is_empty() && !text.contains("a=") {
            return Err(BadSdp("the fragment says nothing".into()));
        }
        Ok(fragment)
    }
}

/// A user fragment or a password (RFC 8839 §5.4).
fn token(text: &str) -> Result<String, BadSdp> {
    let is_ice_char = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    match (4..=256).contains(&text.len()) && text.chars().all(is_ice_char) {
        true => Ok(text.to_owned()),
        false => Err(BadSdp("ice-ufrag or ice-pwd is not one".into())),
    }
}

/// The offer with no more candidates than are taken, and how many may still come.
fn bounded(text: &str) -> Result<(String, usize), BadSdp> {
    if !text.starts_with("v=0") {
        return Err(BadSdp("not a session description".into()));
    }
    let (mut offer, mut room) = (String::new(), CANDIDATES);
    for line in text.lines() {
        if line.starts_with("a=candidate:") {
            let Some(left) = room.checked_sub(1) else {
                continue;
            };
            room = left;
        }
        offer += line;
        offer += "\r\n";
    }
    Ok((offer, room))
}

fn credentials(offer: &str) -> Result<IceCreds, BadSdp> {
    let find = |prefix| {
        let value = offer
            .lines()
            .find_map(|line: &str| line.strip_prefix(prefix));
        value.ok_or_else(|| BadSdp(format!("the offer has no {prefix}")))
    };
    Ok(IceCreds {
        ufrag: token(find("a=ice-ufrag:")?)?,
        pass: token(find("a=ice-pwd:")?)?,
    })
}

/// The offer with other credentials and candidates.
fn renewed(offer: &str, ufrag: &str, password: &str, candidates: &[String]) -> String {
    let mut text = String::new();
    let mut has_candidates = false;
    for line in offer.lines() {
        let is_old = ["a=candidate:", "a=end-of-candidates"]
            .iter()
            .any(|old| line.starts_with(old));
        if is_old {
            continue;
        }
        let line = match () {
            () if line.starts_with("a=ice-ufrag:") => &format!("a=ice-ufrag:{ufrag}"),
            () if line.starts_with("a=ice-pwd:") => &format!("a=ice-pwd:{password}"),
            () => line,
        };
        text += line;
        text += "\r\n";
        if line.starts_with("a=mid:") && !has_candidates {
            has_candidates = true;
            for candidate in candidates {
                text += &format!("a={candidate}\r\n");
            }
        }
    }
    text
}

/// What of an answer belongs into a fragment (RFC 8840 §9): the credentials, and the candidates of the
/// first medium, which all others share.
fn excerpt(answer: &str) -> String {
    let first = |prefix: &str| answer.lines().find(|line| line.starts_with(prefix));
    let heads = ["a=ice-ufrag:", "a=ice-pwd:", "m=", "a=mid:"];
    let candidates = answer
        .lines()
        .filter(|line| line.starts_with("a=candidate:"));
    let lines = heads
        .iter()
        .filter_map(|head| first(head))
        .chain(candidates);
    let text = lines.fold(String::new(), |text, line| text + line + "\r\n");
    text + "a=end-of-candidates\r\n"
}

/// Hands an offer to the stack. Text from outside that it cannot bear is an error like any other.
fn accept(rtc: &mut Rtc, offer: &str) -> Result<String, BadSdp> {
    let accepted = catch_unwind(AssertUnwindSafe(|| {
        let offer = SdpOffer::from_sdp_string(offer).map_err(|error| error.to_string())?;
        let answer = rtc.sdp_api().accept_offer(offer);
        answer
            .map(|answer| answer.to_sdp_string())
            .map_err(|error| error.to_string())
    }));
    match accepted {
        Ok(accepted) => accepted.map_err(BadSdp),
        Err(_) => Err(BadSdp("the description makes no sense".into())),
    }
}

impl fmt::Debug for Negotiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Negotiated")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for BadSdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ops::Range;
    use std::time::Duration;

    use str0m::{Input, Output};

    use super::*;

    /// Lines of candidates on these ports.
    fn candidates(ports: Range<u16>) -> String {
        ports
            .map(|port| format!("a=candidate:{port} 1 udp 1 192.0.2.1 {port} typ host\r\n"))
            .collect()
    }

    fn negotiate(candidates: &str) -> Negotiated {
        let crypto = str0m::crypto::from_feature_flags();
        let identity = crypto.dtls_provider.generate_certificate().unwrap();
        crypto.install_process_default();
        let mut client = str0m::RtcConfig::new().build(Instant::now());
        let mut api = client.sdp_api();
        api.add_channel("throughline".into());
        let (offer, _) = api.apply().unwrap();
        let offer = offer.to_sdp_string() + candidates;
        let address = ([192, 0, 2, 2], 9).into();
        answer(&offer, address, &identity).unwrap().0
    }

    /// Where the server knocks in the next seconds.
    fn knocked(negotiated: &mut Negotiated) -> BTreeSet<u16> {
        let mut ports = BTreeSet::new();
        let mut now = Instant::now();
        let end = now + Duration::from_secs(5);
        while now < end {
            negotiated.rtc.handle_input(Input::Timeout(now)).unwrap();
            now = loop {
                match negotiated.rtc.poll_output().unwrap() {
                    Output::Timeout(due) => break due.max(now + Duration::from_millis(1)),
                    Output::Transmit(out) => drop(ports.insert(out.destination.port())),
                    Output::Event(_) => {}
                }
            };
        }
        ports
    }

    #[test]
    fn a_negotiation_knocks_at_so_many_addresses_however_they_come() {
        let mut all = negotiate(&candidates(1_000..1_040));
        assert_eq!(knocked(&mut all), (1_000..1_032).collect());
        let mut few = negotiate(&candidates(1_000..1_010));
        for from in [1_010, 1_020, 1_030, 1_040] {
            let fragment = candidates(from..from + 10) + "a=candidate:1 1 udp 1 x.local 9 typ host";
            few.trickle(&Fragment::parse(&fragment).unwrap());
        }
        assert_eq!(knocked(&mut few), (1_000..1_032).collect());
    }

    #[test]
    fn ice_begins_anew_with_room_for_as_many() {
        let mut negotiated = negotiate(&candidates(1_000..1_032));
        let fresh = "a=ice-ufrag:abcdefgh\r\na=ice-pwd:0123456789012345678901\r\n".to_owned();
        let fragment = Fragment::parse(&(fresh + &candidates(2_000..2_020))).unwrap();
        negotiated.restart(&fragment).unwrap();
        for from in [2_020, 2_030] {
            let fragment = candidates(from..from + 10);
            negotiated.trickle(&Fragment::parse(&fragment).unwrap());
        }
        assert_eq!(knocked(&mut negotiated), (2_000..2_032).collect());
    }
}
