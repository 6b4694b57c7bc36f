//! The table of `docs/systems.md`: each line names tests that exist, or says whose affair it is.

use anyhow::{Context, Result, bail, ensure};

use crate::tools::Repo;

/// Lines of the checklist.
const LINES: usize = 77;

/// What stands in place of a test.
const ELSEWHERE: &str = "The server's affair: ";

/// Names each row that is amiss.
pub(crate) fn check(repo: &Repo) -> Result<()> {
    let table = repo.read("docs/systems.md")?;
    let rows: Vec<Row<'_>> = table.lines().filter_map(Row::of).collect();
    let mut amiss = 0;
    for (at, row) in rows.iter().enumerate() {
        let verdict = match row.number == at + 1 {
            true => row.check(repo),
            false => Err(anyhow::anyhow!("row {} is numbered so", at + 1)),
        };
        if let Err(why) = verdict {
            amiss += 1;
            eprintln!("docs/systems.md, {}: {why:#}", row.number);
        }
    }
    ensure!(amiss == 0, "{amiss} rows of docs/systems.md are amiss");
    ensure!(
        rows.len() == LINES,
        "docs/systems.md has {} rows, not {LINES}",
        rows.len()
    );
    println!("{LINES} rows of docs/systems.md name tests that there are");
    Ok(())
}

/// A numbered row: `| 1 | what | who asks for it | what holds it |`.
struct Row<'a> {
    number: usize,
    held: &'a str,
}

impl<'a> Row<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let cells: Vec<&str> = line
            .strip_prefix("| ")?
            .strip_suffix(" |")?
            .split(" | ")
            .collect();
        let [number, _, _, held] = cells.as_slice() else {
            return None;
        };
        Some(Self {
            number: number.parse().ok()?,
            held,
        })
    }

    fn check(&self, repo: &Repo) -> Result<()> {
        if self.held.starts_with(ELSEWHERE) {
            return Ok(());
        }
        let mut tests = self.held.split("<br>").peekable();
        ensure!(tests.peek().is_some(), "no test");
        for test in tests {
            let (path, title) = test
                .strip_prefix('`')
                .and_then(|rest| rest.split_once("`: "))
                .with_context(|| format!("`{test}` is no file and title"))?;
            if !repo.read(path)?.contains(title) {
                bail!("{path} has no test of the title “{title}”");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Row;

    #[test]
    fn a_row_has_a_number_and_what_holds_it() {
        let row = Row::of("| 7 | what | A, B | `tests/a.mjs`: it works |");
        let read = row.map(|row| (row.number, row.held));
        assert_eq!(read, Some((7, "`tests/a.mjs`: it works")));
        assert!(Row::of("| | what | from | held |").is_none());
        assert!(Row::of("|---|---|---|---|").is_none());
        assert!(Row::of("text").is_none());
    }
}
