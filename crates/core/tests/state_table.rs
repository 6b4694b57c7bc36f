//! `docs/state-machine.md` is written by the table in the code, and never by hand.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::Path;

use throughline_core::StateKind;
use throughline_core::session::SendPolicy;

const INTRODUCTION: &str = "\
# The states of a session

Generated from `StateKind::policy()` and `StateKind::may_become()` in `crates/core/src/session/state.rs`.
To write it again: `UPDATE=1 cargo test -p throughline-core --test state_table`.

";

fn document() -> String {
    let mut text = String::from(INTRODUCTION);
    text.push_str(
        "| state | `send()` | link | retries by itself | final | what to show | may become |\n",
    );
    text.push_str("|---|---|---|---|---|---|---|\n");
    for state in StateKind::ALL {
        let policy = state.policy();
        let send = match policy.send {
            SendPolicy::Refuse => "refused",
            SendPolicy::Queue => "kept for the next link",
            SendPolicy::Transmit => "written at once",
        };
        let next: Vec<String> = StateKind::ALL
            .into_iter()
            .filter(|next| state.may_become(*next))
            .map(|next| format!("`{}`", next.policy().name))
            .collect();
        let next = if next.is_empty() {
            "—".to_owned()
        } else {
            next.join(", ")
        };
        writeln!(
            text,
            "| `{}` | {send} | {} | {} | {} | {} | {next} |",
            policy.name,
            policy.link,
            word(policy.retries),
            word(policy.terminal),
            policy.show,
        )
        .unwrap();
    }
    text.push_str("\n```mermaid\nstateDiagram-v2\n  [*] --> idle\n");
    for state in StateKind::ALL {
        for next in StateKind::ALL
            .into_iter()
            .filter(|next| state.may_become(*next))
        {
            writeln!(text, "  {} --> {}", state.policy().name, next.policy().name).unwrap();
        }
        if state.policy().terminal {
            writeln!(text, "  {} --> [*]", state.policy().name).unwrap();
        }
    }
    text.push_str("```\n");
    text
}

const fn word(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

#[test]
fn the_document_says_what_the_code_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/state-machine.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == document(),
        "docs/state-machine.md is out of date: run with UPDATE=1"
    );
}

#[test]
fn a_final_state_is_never_left_and_every_other_one_can_end() {
    for state in StateKind::ALL {
        let policy = state.policy();
        let exits = StateKind::ALL
            .into_iter()
            .filter(|next| state.may_become(*next))
            .count();
        assert_eq!(policy.terminal, exits == 0, "{}", policy.name);
        assert!(
            policy.terminal || state.may_become(StateKind::Closed),
            "{}",
            policy.name
        );
        assert!(!state.may_become(state));
    }
}

#[test]
fn every_state_is_reached_from_idle() {
    let mut reached = vec![StateKind::Idle];
    let mut next = 0;
    while let Some(state) = reached.get(next).copied() {
        let found = StateKind::ALL
            .into_iter()
            .filter(|to| state.may_become(*to));
        let new: Vec<_> = found.filter(|to| !reached.contains(to)).collect();
        reached.extend(new);
        next += 1;
    }
    assert_eq!(reached.len(), StateKind::ALL.len());
}
