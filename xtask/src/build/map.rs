//! Source maps: whose sources they name, and what stands where a placeholder stood.

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

const INLINE: &str = "//# sourceMappingURL=data:application/json;base64,";
const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// JavaScript, and where each part of it was written.
pub(super) struct Mapped {
    /// The code, without a word of its map.
    pub(super) text: String,
    map: Value,
}

impl Mapped {
    /// Takes code whose map is its last line.
    pub(super) fn of_inline(text: &str) -> Result<Self> {
        let (text, map) = text.split_once(INLINE).context("there is no source map")?;
        let map = BASE64_STANDARD.decode(map.trim())?;
        Self::of(text, &String::from_utf8(map)?)
    }

    /// Takes code and its map.
    pub(super) fn of(text: &str, map: &str) -> Result<Self> {
        Ok(Self {
            text: format!("{}\n", text.trim_end()),
            map: serde_json::from_str(map).context("the source map is not JSON")?,
        })
    }

    /// The code, and a last line that names the map `file.map`.
    pub(super) fn published(&self, file: &str) -> String {
        format!("{}//# sourceMappingURL={file}.map\n", self.text)
    }

    /// The map of `file`: its sources are named as parts of the package, and no one needs to have them.
    pub(super) fn map(&self, file: &str) -> Result<String> {
        let strings = |name: &str| {
            let found: Option<Vec<Option<&str>>> = self.map[name]
                .as_array()
                .map(|values| values.iter().map(Value::as_str).collect());
            found.with_context(|| format!("the source map has no {name}"))
        };
        let sources: Vec<String> = strings("sources")?
            .into_iter()
            .map(|source| package_name(source.unwrap_or_default()))
            .collect::<Result<_>>()?;
        let contents = strings("sourcesContent")?;
        ensure!(
            contents.len() == sources.len() && contents.iter().all(Option::is_some),
            "the source map lacks what its sources say"
        );
        Ok(json!({
            "version": 3, "file": file, "sources": sources, "sourcesContent": contents,
            "names": strings("names")?, "mappings": self.mappings()?,
        })
        .to_string())
    }

    /// Puts an expression where a placeholder stands, which must be one place.
    pub(super) fn with(&self, placeholder: &str, expression: &str) -> Result<Self> {
        let (before, after) = self
            .text
            .split_once(placeholder)
            .with_context(|| format!("no {placeholder} is in the bundle"))?;
        ensure!(
            !after.contains(placeholder),
            "{placeholder} is in the bundle twice"
        );
        let line = before.matches('\n').count();
        let start = units(before);
        let end = start + units(placeholder);
        let moved = match expression.contains('\n') {
            true => units(expression),
            false => start + units(expression),
        };
        let mut lines: Vec<String> = self.mappings()?.split(';').map(str::to_owned).collect();
        if let Some(mappings) = lines.get_mut(line) {
            let breaks = expression.matches('\n').count();
            *mappings = stretched(mappings, end, moved, breaks)?;
        }
        let mut map = self.map.clone();
        map["mappings"] = lines.join(";").into();
        Ok(Self {
            text: format!("{before}{expression}{after}"),
            map,
        })
    }

    fn mappings(&self) -> Result<&str> {
        self.map["mappings"]
            .as_str()
            .context("the source map has no mappings")
    }
}

/// The name that a source has for those who debug: its place in the package, whatever machine that was built on.
fn package_name(source: &str) -> Result<String> {
    let inside = source.strip_prefix("pkg/").unwrap_or(source);
    let known = ["js/", "wasm/", "src/transport/"];
    ensure!(
        known.iter().any(|folder| inside.starts_with(folder)),
        "{source} is no source of the package"
    );
    Ok(format!("throughline/{inside}"))
}

/// How many UTF-16 units the last line of a text has: what maps count in.
fn units(text: &str) -> usize {
    let last = text.rsplit('\n').next().unwrap_or_default();
    last.encode_utf16().count()
}

/// Moves the mappings of a line from the column `end` on: so many lines down, and to the column `moved`.
fn stretched(line: &str, end: usize, moved: usize, breaks: usize) -> Result<String> {
    let mut column = 0;
    let mut kept = Vec::new();
    let mut segments = line.split(',').filter(|segment| !segment.is_empty());
    for segment in segments.by_ref() {
        let (step, rest) = number(segment)?;
        let last = column;
        column += step;
        if column < i64::try_from(end)? {
            kept.push(segment.to_owned());
            continue;
        }
        let place = column - i64::try_from(end)? + i64::try_from(moved)?;
        let first = match breaks {
            0 => digits(place - last) + rest,
            _ => digits(place) + rest,
        };
        let tail = [first].into_iter().chain(segments.map(str::to_owned));
        let tail = tail.collect::<Vec<_>>().join(",");
        let between = match breaks {
            0 if kept.is_empty() => String::new(),
            0 => ",".to_owned(),
            _ => ";".repeat(breaks),
        };
        return Ok(kept.join(",") + &between + &tail);
    }
    Ok(kept.join(",") + &";".repeat(breaks))
}

/// Reads a number of base64 digits, lowest first: five bits each, and one that says whether more follow.
fn number(text: &str) -> Result<(i64, &str)> {
    let mut value = 0;
    for (at, digit) in text.bytes().enumerate() {
        let bits = DIGITS.iter().position(|known| *known == digit);
        let bits = i64::try_from(bits.context("the source map has a digit that is none")?)?;
        value |= (bits & 31) << (5 * at);
        if bits < 32 {
            let size = value >> 1;
            let rest = text.get(at + 1..).unwrap_or_default();
            return Ok((if value & 1 == 0 { size } else { -size }, rest));
        }
    }
    bail!("the source map ends within a number")
}

/// Writes a number as [`number`] reads it.
fn digits(number: i64) -> String {
    let mut rest = number.unsigned_abs() << 1 | u64::from(number < 0);
    let mut text = String::new();
    loop {
        let more = rest >= 32;
        let digit = DIGITS.get((rest & 31 | u64::from(more) << 5) as usize);
        text.extend(digit.map(|digit| char::from(*digit)));
        rest >>= 5;
        if !more {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mapped, digits, number};

    /// Code of one line, whose segments are at columns 0, 8 and 14.
    fn mapped() -> Mapped {
        let map = r#"{"sources":["pkg/js/a.js"],"sourcesContent":["a"],"names":[],"mappings":"AAAA,QAAC,MAAO;AACA"}"#;
        Mapped::of("let a = \"here\";b()\nc()\n", map).expect("it is JSON")
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for value in [0, 1, -1, 15, 16, -16, 1_000, -28_000, 1 << 40] {
            assert_eq!(
                number(&(digits(value) + "rest")).ok(),
                Some((value, "rest"))
            );
        }
        assert!(number("g").is_err() && number("!").is_err());
    }

    #[test]
    fn what_follows_an_expression_of_one_line_moves_along() {
        let made = mapped().with("\"here\"", "12345678").expect("one place");
        assert_eq!(made.text, "let a = 12345678;b()\nc()\n");
        assert_eq!(made.mappings().ok(), Some("AAAA,QAAC,QAAO;AACA"));
    }

    #[test]
    fn what_follows_an_expression_of_three_lines_moves_down() {
        let made = mapped().with("\"here\"", "`1\n2\n3`").expect("one place");
        assert_eq!(made.text, "let a = `1\n2\n3`;b()\nc()\n");
        assert_eq!(made.mappings().ok(), Some("AAAA,QAAC;;EAAO;AACA"));
    }

    #[test]
    fn a_placeholder_must_stand_in_one_place() {
        assert!(mapped().with("\"nowhere\"", "1").is_err());
        assert!(mapped().with("e", "1").is_err());
    }

    #[test]
    fn sources_are_named_by_the_package_and_none_is_of_elsewhere() {
        let map = mapped().map("a.min.js").expect("it is a map");
        assert!(map.contains("[\"throughline/js/a.js\"]"), "{map}");
        let outside =
            r#"{"sources":["../../home/a.js"],"sourcesContent":["a"],"names":[],"mappings":""}"#;
        let outside = Mapped::of("", outside).expect("it is JSON");
        assert!(outside.map("a.js").is_err());
    }
}
