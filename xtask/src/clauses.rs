//! The clauses of `PROTOCOL.md`: each is named by a test, and none is named that does not exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::tools::{Repo, files};

/// Folders whose comments may name clauses.
const SOURCES: [&str; 6] = [
    "crates/core/src",
    "crates/server/src",
    "src",
    "pkg/js",
    "fuzz/fuzz_targets",
    "xtask/src",
];

/// Folders whose comments say which clause a test holds. So do those of a source file's own tests.
const TESTS: [&str; 3] = ["crates/core/tests", "crates/server/tests", "tests"];

/// Lists what is wrong with the clauses, one by one.
pub(crate) fn check(repo: &Repo) -> Result<()> {
    let known = defined(&repo.read("PROTOCOL.md")?);
    ensure!(!known.is_empty(), "PROTOCOL.md has no clauses");
    let mut tested = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut read = |folder: &str, whole: bool| -> Result<()> {
        for path in sources(&repo.existing(folder)?)? {
            let text = fs::read_to_string(&path)?;
            for (line, clause, in_test) in mentions(&text, whole) {
                if !known.contains(&clause) {
                    wrong.push(format!("{}:{line}: {clause} is no clause", path.display()));
                } else if in_test {
                    tested.insert(clause);
                }
            }
        }
        Ok(())
    };
    for folder in SOURCES {
        read(folder, false)?;
    }
    for folder in TESTS {
        read(folder, true)?;
    }
    let untested = known.difference(&tested);
    wrong.extend(untested.map(|clause| format!("PROTOCOL.md: no test names {clause}")));
    for line in &wrong {
        eprintln!("{line}");
    }
    ensure!(wrong.is_empty(), "{} clauses are amiss", wrong.len());
    println!("{} clauses of PROTOCOL.md are named by tests", known.len());
    Ok(())
}

/// The files below a folder that are code, whatever their depth.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let code = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("rs" | "js" | "mjs" | "ts"))
    };
    Ok(files(folder)?.into_iter().filter(code).collect())
}

/// The clauses that the document has: `- **P1.1** …`.
fn defined(document: &str) -> BTreeSet<String> {
    let heads = document.lines().filter_map(|line| {
        let (clause, _) = line.strip_prefix("- **")?.split_once("**")?;
        Some(clause.to_owned())
    });
    heads.filter(|clause| is_clause(clause)).collect()
}

/// The clauses that comments name, with their lines and whether that is a test's comment.
fn mentions(text: &str, all_tests: bool) -> Vec<(usize, String, bool)> {
    let mut in_test = all_tests;
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        in_test |= line.contains("#[cfg(test)]");
        let line = line.trim_start();
        let comment = line.strip_prefix("//").or(line.strip_prefix("* "));
        let comment = comment.or(line.split_once(" // ").map(|(_, comment)| comment));
        for clause in comment.map(named).unwrap_or_default() {
            found.push((at + 1, clause, in_test));
        }
    }
    found
}

/// The clauses in a comment; `P2.1–P2.4` stands for all four.
fn named(comment: &str) -> Vec<String> {
    let words = comment.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '–')));
    let mut clauses = Vec::new();
    for word in words.map(|word| word.trim_matches('.')) {
        match word.split_once('–') {
            Some((first, last)) if is_clause(first) && is_clause(last) => {
                clauses.extend(range(first, last));
            }
            Some(_) => {}
            None if is_clause(word) => clauses.push(word.to_owned()),
            None => {}
        }
    }
    clauses
}

fn range(first: &str, last: &str) -> Vec<String> {
    let (Some((section, from)), Some((other, to))) = (split(first), split(last)) else {
        return Vec::new();
    };
    if section != other {
        return vec![first.to_owned(), last.to_owned()];
    }
    (from..=to).map(|n| format!("{section}{n}")).collect()
}

fn is_clause(word: &str) -> bool {
    split(word).is_some()
}

/// `P2.4` is 4 of `P2.`, `B4` is 4 of `B`.
fn split(word: &str) -> Option<(&str, u32)> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (section, n) = word.split_at(digits);
    let body = section
        .strip_prefix('P')
        .and_then(|rest| rest.strip_suffix('.'));
    let is_section = match body {
        Some(digits) => !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()),
        None => matches!(section, "A" | "B" | "C" | "D"),
    };
    Some((section, n.parse().ok()?)).filter(|_| is_section)
}

#[cfg(test)]
mod tests {
    use super::{defined, mentions, named};

    #[test]
    fn a_clause_is_an_item_that_begins_with_its_number() {
        let document = "- **P1.1** A.\n- **B12** see **P9.9**\n- **note** no\n**P3.1** no\n";
        assert!(defined(document).iter().eq(["B12", "P1.1"]));
    }

    #[test]
    fn a_comment_names_clauses_one_by_one_or_as_a_range() {
        assert_eq!(
            named("/ P2.3, B1: a test of P10.2."),
            ["P2.3", "B1", "P10.2"]
        );
        assert_eq!(
            named("/ P2.9–P2.11, A1–A2"),
            ["P2.9", "P2.10", "P2.11", "A1", "A2"]
        );
        let others: [&str; 0] = [];
        assert_eq!(
            named("the step P2, RFC 9110 §9.2, UTF8, E4, B, 3.1"),
            others
        );
    }

    #[test]
    fn code_names_nothing_and_a_file_s_own_tests_are_tests() {
        let text = "let P1 = \"P1.1\";\n/// P1.2\n#[cfg(test)]\n    /// P1.3\n";
        let expected = [(2, "P1.2".to_owned(), false), (4, "P1.3".to_owned(), true)];
        assert_eq!(mentions(text, false), expected);
    }
}
