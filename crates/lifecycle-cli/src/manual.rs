//! `lifecycle man`: the manual pages that packages install beside the program.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use serde_json::json;

use crate::answer::{Answer, Exit};
use crate::cli::Cli;
use crate::failure::Failure;

const MAN: &str = "\
Examples:
  lifecycle man | man -l -
  lifecycle man --dir ~/.local/share/man/man1";

/// What the page of the program says of the others.
const SEE_ALSO: &str = "\"lifecycle man \\-\\-dir DIR\" writes a page for each command into a folder.";

/// Write the manual page
#[derive(Args, Debug)]
#[command(after_help = MAN)]
pub(crate) struct ManArgs {
    /// Write a page for the program and one for each command into this folder, instead of the first to the standard output
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl ManArgs {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        if let Some(folder) = &self.dir {
            write_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
            let text = format!("pages written to {}\n", folder.display());
            return Ok(Answer { text, json: json!({"folder": folder}), exit: Exit::Well });
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command())
            .render(&mut page)
            .map_err(|error| Failure::new(format!("no manual page: {error}"), "report this as a bug"))?;
        let page = with_sections(&String::from_utf8_lossy(&page));
        let text = format!("{page}.SH \"SEE ALSO\"\n{SEE_ALSO}\n");
        Ok(Answer { json: json!({"page": text}), text, exit: Exit::Well })
    }
}

/// A page for the program and one for each command.
fn write_all(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)?;
    for entry in std::fs::read_dir(folder)? {
        let page = entry?.path();
        let name = page.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("lifecycle") && name.ends_with(".1") {
            let text = std::fs::read_to_string(&page)?;
            std::fs::write(&page, with_sections(&text))?;
        }
    }
    Ok(())
}

/// The page with the sections that readers of manual pages look for, in place of one for all that stands below a help's options.
fn with_sections(page: &str) -> String {
    let mut is_extra = false;
    let mut text = String::new();
    for line in page.lines() {
        let section = match line {
            ".SH EXTRA" => {
                is_extra = true;
                ".SH NOTES"
            }
            "Examples:" if is_extra => ".SH EXAMPLES",
            "Exit codes:" if is_extra => ".SH \"EXIT STATUS\"",
            other => other,
        };
        // A section that another begins at once is none.
        if section.starts_with(".SH ") && text.ends_with(".SH NOTES\n") {
            text.truncate(text.len() - ".SH NOTES\n".len());
        }
        text.push_str(section);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_and_exit_codes_are_sections_of_their_own() {
        let page = ".SH OPTIONS\nExamples:\n.SH EXTRA\nExamples:\n  a\n.PP\nExit codes:\n  0\n.SH VERSION\n";
        let expected =
            ".SH OPTIONS\nExamples:\n.SH EXAMPLES\n  a\n.PP\n.SH \"EXIT STATUS\"\n  0\n.SH VERSION\n";
        assert_eq!(with_sections(page), expected);
        assert_eq!(with_sections(".SH EXTRA\nEvents: a\n"), ".SH NOTES\nEvents: a\n");
    }
}
