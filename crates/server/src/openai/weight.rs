//! How much a client's JSON takes, as text and in memory: a few letters may make a large map.

use std::mem::size_of;

use serde_json::Value;

use super::event::Problem;

/// Most that is kept of one value: as text, and in memory.
const LONGEST: usize = 64 << 10;
const HEAVIEST: usize = 1 << 20;

/// What a map takes that is not empty, and each member of it beside its name and its value.
const MAP: usize = 640;
const MEMBER: usize = 128;

/// About how many bytes a value takes in memory.
pub(super) fn weight(value: &Value) -> usize {
    let within = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(weight).sum(),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| MEMBER + name.len() + weight(value));
            MAP + members.sum::<usize>()
        }
    };
    size_of::<Value>() + within
}

/// Refuses what is larger than anybody needs.
pub(super) fn check_size(value: &Value, place: &str) -> Result<(), Problem> {
    if weight(value) <= HEAVIEST && value.to_string().len() <= LONGEST {
        return Ok(());
    }
    let message = format!("'{place}' is larger than 64 KiB, or of too many parts.");
    Err(Problem::new("value_too_large", message).at(place))
}
