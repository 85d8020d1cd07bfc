//! Workflows: what they run and name is there. Nobody sees it fail before a push, or before the week is over. So it is with the tasks that
//! documents show.

use crate::tree::{self, File};

#[test]
fn a_task_that_a_workflow_or_a_document_runs_is_there_with_its_options() {
    let mut documents = tree::text("");
    documents.retain(|file| tree::has_extension(file, "md"));
    let mut run = 0;
    for File { path, text } in workflows().into_iter().chain(documents) {
        for command in text.split("cargo xtask ").skip(1) {
            let command = command.split(['`', '#', '\n']).next().unwrap_or_default();
            let mut words = command.split_whitespace();
            let task = words.next().unwrap_or_default().trim_end_matches('.');
            let source = source(task).unwrap_or_else(|| panic!("{path}: there is no task {task}"));
            for option in words.filter(|word| word.starts_with("--")) {
                let is_read = source.contains(&format!("Long(\"{}\")", &option[2..]))
                    || source.contains(&format!("\"{option}\""));
                assert!(is_read, "{path}: `cargo xtask {command}`: it has no {option}");
            }
            run += 1;
        }
    }
    assert!(run >= 40, "{run} tasks are run");
}

/// Where a task reads its options.
fn source(task: &str) -> Option<String> {
    let read = |path: &str| std::fs::read_to_string(tree::root().join(path)).ok();
    let own = read(&format!("xtask/src/{task}.rs"))?;
    let passed_on = if task == "bench" { read("crates/benchmarks/src/main.rs")? } else { String::new() };
    Some(own + &passed_on)
}

#[test]
fn what_a_workflow_names_is_there() {
    for File { path, text } in workflows() {
        for word in text.split_whitespace().map(|word| word.trim_start_matches('/')) {
            let is_path = [".ci/", ".github/", "crates/", "examples/", "xtask/"]
                .iter()
                .any(|start| word.starts_with(start));
            let is_there = tree::root().join(word).exists();
            assert!(is_there || !is_path || word.contains(['*', ')']), "{path}: there is no {word}");
        }
    }
}

fn workflows() -> Vec<File> {
    let workflows = tree::text(".github");
    assert!(workflows.len() >= 3, "the workflows, and what else GitHub reads");
    workflows
}
