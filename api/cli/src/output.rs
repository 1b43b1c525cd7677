//! Where answers go.

use std::io::{self, Write};

use ravelin_api_types::Problem;
use serde::Serialize;
use serde_json::Value;

use crate::error::CliError;
use crate::escape;
use crate::table::Table;

/// Standard output, for people or for programs.
#[derive(Debug)]
pub struct Output {
    json: bool,
    out: io::Stdout,
}

impl Output {
    /// For programs if `json`, for people otherwise.
    pub fn new(json: bool) -> Self {
        Self {
            json,
            out: io::stdout(),
        }
    }

    /// Whether programs read.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints an answer as the API gave it, on one line.
    pub fn json(&mut self, answer: &Value) -> Result<(), CliError> {
        self.write(&format!("{}\n", escape::json(&answer.to_string())))
    }

    /// Prints a table.
    pub fn table(&mut self, table: &Table) -> Result<(), CliError> {
        self.write(&table.text())
    }

    /// Prints a sentence.
    pub fn line(&mut self, text: &str) -> Result<(), CliError> {
        self.write(&format!("{}\n", escape::plain(text)))
    }

    /// Prints what somebody is to type after.
    pub fn prompt(&mut self, text: &str) -> Result<(), CliError> {
        self.write(text)
    }

    fn write(&mut self, text: &str) -> Result<(), CliError> {
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.flush()?)
    }
}

/// A remark on standard error.
pub fn remark(text: &str) {
    // Nobody is left to tell.
    let _ = writeln!(io::stderr(), "ravelin: {}", escape::plain(text));
}

/// Says on standard error why a command failed: as the API's problem for programs, in words for people.
pub fn failure(error: &CliError, json: bool) {
    match error.problem() {
        Some(problem) if json => {
            let text = serde_json::to_string(problem).unwrap_or_default();
            let _ = writeln!(io::stderr(), "{}", escape::json(&text));
        }
        Some(problem) => problem_lines(problem).iter().for_each(|line| {
            let _ = writeln!(io::stderr(), "{line}");
        }),
        None => {
            remark(&error.to_string());
            if let CliError::Unreachable { advice, .. } = error {
                let _ = writeln!(io::stderr(), "  {advice}");
            }
        }
    }
}

fn problem_lines(problem: &Problem) -> Vec<String> {
    let mut lines = vec![
        format!("ravelin: {} ({})", escape::plain(&problem.title), problem.status),
        format!("  {}", escape::plain(&problem.detail)),
    ];
    for error in &problem.errors {
        let (pointer, detail) = (escape::plain(&error.pointer), escape::plain(&error.detail));
        lines.push(format!(
            "  {}: {detail}",
            if pointer.is_empty() { "/" } else { &pointer }
        ));
    }
    for user in &problem.used_by {
        let user = format!("{} {} ({})", user.kind, user.id, user.name);
        lines.push(format!("  used by {}", escape::plain(&user)));
    }
    if let Some(step) = &problem.failed_step {
        lines.push(format!("  failed at the step {}", escape::plain(step)));
    }
    if !problem.blocked_by.is_empty() && problem.used_by.is_empty() {
        lines.push(format!(
            "  in the way: {}",
            escape::plain(&problem.blocked_by.join(", "))
        ));
    }
    if !problem.request_id.is_empty() {
        lines.push(format!("  request {}", escape::plain(&problem.request_id)));
    }
    lines
}

/// The word the API uses for a value of an enum.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// `yes` or `no`.
pub fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// The text of a value that may be missing.
pub fn or_empty(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
