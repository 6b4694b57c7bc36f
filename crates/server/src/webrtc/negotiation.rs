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

/// Most candidates that are taken from one offer or fragment, and so most addresses that a client
/// can make the server knock at.
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
    let offer = bounded(text)?;
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
    /// found out by their own checks.
    pub(super) fn trickle(&mut self, fragment: &Fragment) {
        for candidate in &fragment.candidates {
            if let Ok(candidate) = Candidate::from_sdp_string(candidate) {
                self.rtc.add_remote_candidate(candidate);
            }
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

/// The offer with no more candidates than are taken.
fn bounded(text: &str) -> Result<String, BadSdp> {
    if !text.starts_with("v=0") {
        return Err(BadSdp("not a session description".into()));
    }
    let mut left = CANDIDATES;
    let lines = text.lines().filter(|line| {
        let is_candidate = line.starts_with("a=candidate:");
        left -= usize::from(is_candidate && left > 0);
        !is_candidate || left > 0
    });
    Ok(lines.fold(String::new(), |text, line| text + line + "\r\n"))
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
