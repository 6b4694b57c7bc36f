//! G.711: eight bits a sample at 8 kHz, by either law (ITU-T G.711).

/// Which of the two curves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Law {
    /// µ-law: `PCMU`.
    Mu,
    /// A-law: `PCMA`.
    A,
}

impl Law {
    pub(crate) fn encode(self, samples: &[i16]) -> Vec<u8> {
        let encode = match self {
            Self::Mu => encode_mu,
            Self::A => encode_a,
        };
        samples.iter().map(|sample| encode(*sample)).collect()
    }

    pub(crate) fn decode(self, codes: &[u8]) -> Vec<i16> {
        let decode = match self {
            Self::Mu => decode_mu,
            Self::A => decode_a,
        };
        codes.iter().map(|code| decode(*code)).collect()
    }
}

/// What is added before the logarithm is taken, and the largest value that stays in range.
const BIAS: i32 = 0x84;
const CLIP: i32 = 32_635;

fn encode_mu(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let value = i32::from(sample).abs().min(CLIP) + BIAS;
    let segment = value.ilog2() - 7;
    let step = (value >> (segment + 3)) & 0x0f;
    !(sign | (segment as u8) << 4 | step as u8)
}

fn decode_mu(code: u8) -> i16 {
    let code = !code;
    let segment = (code >> 4) & 7;
    let value = (((i32::from(code & 0x0f) << 3) + BIAS) << segment) - BIAS;
    (if code & 0x80 == 0 { value } else { -value }) as i16
}

fn encode_a(sample: i16) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    // Negative values are counted from −1 (G.711 table 1).
    let value = i32::from(if sample < 0 { !sample } else { sample }) >> 4;
    let code = match value.checked_ilog2() {
        Some(log) if log >= 5 => {
            let segment = log - 3;
            (segment << 4) as u8 | ((value >> (segment - 1)) & 0x0f) as u8
        }
        Some(_) | None => (value & 0x1f) as u8,
    };
    (sign | code) ^ 0x55
}

fn decode_a(code: u8) -> i16 {
    let code = code ^ 0x55;
    let segment = (code >> 4) & 7;
    let step = i32::from(code & 0x0f);
    let value = match segment {
        0 => (step << 4) + 8,
        _ => ((step << 4) + 0x108) << (segment - 1),
    };
    (if code & 0x80 == 0 { -value } else { value }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends of each law's range and its middle, in 16 bits (G.711 tables 1a to 2b).
    #[test]
    fn the_decoder_outputs_are_the_recommendations() {
        let mu = [
            (0x80, 32_124),
            (0x00, -32_124),
            (0xff, 0),
            (0x7f, 0),
            (0xfe, 8),
            (0x7e, -8),
        ];
        for (code, sample) in mu {
            assert_eq!(Law::Mu.decode(&[code]), [sample], "{code:#x}");
        }
        let a = [
            (0xaa, 32_256),
            (0x2a, -32_256),
            (0xd5, 8),
            (0x55, -8),
            (0xd4, 24),
            (0x80, 5_504),
        ];
        for (code, sample) in a {
            assert_eq!(Law::A.decode(&[code]), [sample], "{code:#x}");
        }
    }

    #[test]
    fn every_code_is_the_code_of_what_it_means() {
        for code in 0..=255 {
            let again = |law: Law| law.encode(&law.decode(&[code]))[0];
            assert_eq!(again(Law::A), code);
            // There are two zeros.
            assert_eq!(again(Law::Mu), if code == 0x7f { 0xff } else { code });
        }
    }

    #[test]
    fn every_sample_is_met_within_its_step() {
        for sample in i16::MIN..=i16::MAX {
            for law in [Law::Mu, Law::A] {
                let met = i32::from(law.decode(&law.encode(&[sample]))[0]);
                let off = (met - i32::from(sample)).abs();
                let step = (i32::from(sample).abs() / 16).max(16);
                assert!(off <= step, "{law:?} {sample} {met}");
            }
        }
    }
}
