//! Report: tables and goals, as Markdown for people and as JSON for programs.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use crate::Failure;
use crate::machine::Machine;
use crate::measure::Spread;

/// What one part measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    title: String,
    machine: Machine,
    tables: Vec<Table>,
    goals: Vec<Goal>,
}

/// Rows of numbers that were measured in one run.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    /// Says what was measured.
    pub(crate) title: String,
    /// Says how, and what the ratios are ratios to; Markdown.
    pub(crate) note: String,
    pub(crate) headings: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// One place in a table.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Cell {
    Text(String),
    /// With its unit, such as `k/s`; empty for a bare count.
    Number(f64, &'static str),
    Ratio(Spread),
    /// Not measured here.
    None,
}

/// A goal and what became of it.
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    /// Such as `G1`; several goals may share one.
    pub(crate) id: &'static str,
    pub(crate) what: String,
    pub(crate) bound: Bound,
    /// `None` when it could not be measured here; the note says why.
    pub(crate) measured: Option<f64>,
    /// What a reader should know; may be empty.
    pub(crate) note: String,
}

/// What a goal asks of the measured number.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Report {
    /// An empty report about the machine as it is now: make it before measuring.
    pub(crate) fn new(title: &str) -> Self {
        Self { title: title.to_owned(), machine: Machine::read(), tables: Vec::new(), goals: Vec::new() }
    }

    pub(crate) fn table(&mut self, table: Table) {
        self.tables.push(table);
    }

    pub(crate) fn goal(&mut self, goal: Goal) {
        self.goals.push(goal);
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("## {}\n\nMeasured on {}.\n", self.title, self.machine.line());
        for table in &self.tables {
            let _ = write!(text, "\n### {}\n\n{}\n\n", table.title, table.note);
            row(&mut text, table.headings.iter().cloned());
            row(
                &mut text,
                table
                    .headings
                    .iter()
                    .enumerate()
                    .map(|(column, _)| if column == 0 { "---" } else { "--:" }.to_owned()),
            );
            for cells in &table.rows {
                row(&mut text, cells.iter().map(Cell::text));
            }
        }
        if !self.goals.is_empty() {
            text.push_str("\n### Goals\n\n");
            row(&mut text, ["goal", "what", "asked", "measured", "holds", "note"].map(str::to_owned));
            row(&mut text, ["---", "---", "--:", "--:", "---", "---"].map(str::to_owned));
            for goal in &self.goals {
                let measured = goal.measured.map_or_else(|| "-".to_owned(), number);
                let cells = [goal.id, &goal.what, &goal.bound.text(), &measured, goal.verdict(), &goal.note];
                row(&mut text, cells.map(str::to_owned));
            }
        }
        text
    }

    /// Keeps the part's result, so that parts can be measured one at a time.
    pub(crate) fn save(&self, part: &str) -> Result<(), Failure> {
        fs::create_dir_all(folder())?;
        fs::write(folder().join(part).with_extension("md"), self.markdown())?;
        fs::write(folder().join(part).with_extension("json"), serde_json::to_vec_pretty(self)?)?;
        Ok(())
    }
}

/// Puts the last result of each part together, as `report.md` and `report.json`.
pub(crate) fn publish(parts: impl Iterator<Item = &'static str>) -> Result<(), Failure> {
    let mut text = String::new();
    let mut values = serde_json::Map::new();
    for part in parts {
        let path = folder().join(part);
        let Ok(markdown) = fs::read_to_string(path.with_extension("md")) else { continue };
        text.push_str(&markdown);
        text.push('\n');
        values.insert(part.to_owned(), serde_json::from_slice(&fs::read(path.with_extension("json"))?)?);
    }
    fs::write(folder().join("report.md"), text.trim_end().to_owned() + "\n")?;
    fs::write(folder().join("report.json"), serde_json::to_vec_pretty(&Value::Object(values))?)?;
    println!("written: {}", folder().join("report.md").display());
    Ok(())
}

/// `target/bench`, beside the program that runs.
pub(crate) fn folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.ancestors().nth(2).map_or_else(|| PathBuf::from("target/bench"), |target| target.join("bench"))
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(value, "") => number(*value),
            Self::Number(value, unit) => format!("{} {unit}", number(*value)),
            Self::Ratio(Spread { median, p10, p90 }) => {
                format!("**{}** ({}-{})", number(*median), number(*p10), number(*p90))
            }
            Self::None => "-".to_owned(),
        }
    }
}

impl Goal {
    pub(crate) fn holds(&self) -> Option<bool> {
        self.measured.map(|measured| match self.bound {
            Bound::AtMost(limit) => measured <= limit,
            Bound::AtLeast(limit) => measured >= limit,
        })
    }

    fn verdict(&self) -> &'static str {
        match self.holds() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "not measured",
        }
    }
}

impl Bound {
    fn text(self) -> String {
        match self {
            Self::AtMost(limit) => format!("<= {}", number(limit)),
            Self::AtLeast(limit) => format!(">= {}", number(limit)),
        }
    }
}

/// Three digits that count, and no exponent.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn row(text: &mut String, cells: impl IntoIterator<Item = String>) {
    text.push('|');
    for cell in cells {
        let _ = write!(text, " {} |", cell.replace('|', "\\|"));
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(bound: Bound, measured: Option<f64>) -> Goal {
        Goal { id: "G1", what: String::new(), bound, measured, note: String::new() }
    }

    #[test]
    fn a_goal_holds_at_its_bound_and_on_the_right_side_of_it() {
        for (bound, measured, expected) in [
            (Bound::AtMost(1.3), Some(1.3), Some(true)),
            (Bound::AtMost(1.3), Some(1.31), Some(false)),
            (Bound::AtLeast(7.0), Some(7.0), Some(true)),
            (Bound::AtLeast(7.0), Some(6.9), Some(false)),
            (Bound::AtLeast(7.0), None, None),
        ] {
            assert_eq!(goal(bound, measured).holds(), expected, "{bound:?} {measured:?}");
        }
    }

    #[test]
    fn numbers_keep_three_digits() {
        for (value, text) in
            [(0.0, "0"), (6117.0, "6117"), (1234.5, "1234"), (25.04, "25.0"), (1.206, "1.21")]
        {
            assert_eq!(number(value), text);
        }
    }
}
