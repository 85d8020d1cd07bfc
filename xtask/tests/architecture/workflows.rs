//! Workflows: what they run and name is there. Nobody sees it fail before a push, or before the week is over.

use crate::tree::{self, File};

#[test]
fn a_workflow_runs_tasks_that_exist() {
    let tasks = std::fs::read_to_string(tree::root().join("xtask/src/main.rs")).unwrap();
    let mut run = 0;
    for File { path, text } in workflows() {
        for command in text.split("cargo xtask ").skip(1) {
            let task = command.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
            assert!(tasks.contains(&format!("\nmod {task};\n")), "{path}: there is no task {task}");
            run += 1;
        }
    }
    assert!(run >= 5, "{run} tasks are run");
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
