//! The fixtures themselves: each is of the documented form, and together they are what the suite promises.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lifecycle_conformance::{FixtureKind, Suite};
use lifecycle_core::{Method, Rejection};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn json(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn files() -> Vec<PathBuf> {
    let platforms = fs::read_dir(folder().join("conformance")).unwrap();
    let files = platforms.flat_map(|platform| fs::read_dir(platform.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

#[test]
fn the_suite_loads_and_each_fixture_is_read() {
    let suite = Suite::load(&folder()).unwrap();
    assert_eq!(suite.fixtures().len(), files().len());
}

#[test]
fn each_file_is_of_the_form_that_the_schema_describes() {
    let schema = json(&folder().join("fixture.schema.json"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    for file in files() {
        let fixture = json(&file);
        let errors: Vec<String> = validator
            .iter_errors(&fixture)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
        assert_eq!(fixture["$schema"], "../../fixture.schema.json", "{}", file.display());
        let platform = file.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(fixture["platform"], platform.as_str(), "{}", file.display());
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = json(&folder().join("fixture.schema.json"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let install = json(&folder().join("conformance/seismic/install.json"));
    let text = |file: &str| fs::read_to_string(folder().join(file)).unwrap();
    let (answers, groups) = (text("answers.json"), text("groups.json"));
    let read = |fixture: &Value| {
        Suite::parse(&answers, &groups, [("install.json", fixture.to_string().as_str())]).is_ok()
    };
    assert!(validator.is_valid(&install) && read(&install));
    for (pointer, value) in [
        ("/why", Value::from("")),
        ("/routes", Value::from(vec!["endpont"])),
        ("/kind", Value::from("normal")),
        ("/requests", Value::Array(Vec::new())),
        ("/requests/0/body", serde_json::json!({"text": "a", "base64": "YQ=="})),
        ("/requests/0/headers/0", serde_json::json!(["Content-Type"])),
        ("/requests/0/answer", Value::Null),
    ] {
        let mut broken = install.clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&broken), "{pointer}");
        assert!(!read(&broken), "{pointer}");
    }
}

#[test]
fn the_groups_are_of_the_form_that_their_schema_describes_and_each_name_is_of_a_fixture() {
    let groups = json(&folder().join("groups.json"));
    let validator = jsonschema::validator_for(&json(&folder().join("groups.schema.json"))).unwrap();
    let errors: Vec<String> = validator.iter_errors(&groups).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let suite = Suite::load(&folder()).unwrap(); // which finds what is of no group, or of two
    for group in suite.groups() {
        let is_met = suite.fixtures().iter().any(|fixture| suite.group(fixture).name == group.name);
        assert!(is_met || group.is_of_symptom(), "no fixture is of `{}`", group.name);
    }
}

#[test]
fn three_quarters_of_at_least_120_fixtures_are_rejected_or_unusual() {
    let suite = Suite::load(&folder()).unwrap();
    let all = suite.fixtures().len();
    let common = suite.fixtures().iter().filter(|fixture| fixture.kind == FixtureKind::Common).count();
    assert!(all >= 120, "{all} fixtures");
    assert!(common * 4 <= all, "{common} of {all} are common");
}

#[test]
fn each_answer_is_demanded_by_a_fixture() {
    let suite = Suite::load(&folder()).unwrap();
    let demanded: BTreeSet<&str> = suite
        .fixtures()
        .iter()
        .flat_map(|fixture| &fixture.requests)
        .filter_map(|r| r.answer.as_deref())
        .collect();
    let answers = json(&folder().join("answers.json"));
    let named: BTreeSet<&str> = answers.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(demanded, named);
}

#[test]
fn the_table_of_answers_is_that_of_the_core() {
    let answers = json(&folder().join("answers.json"));
    for rejection in [
        Rejection::BodyLate,
        Rejection::BodyTimeout,
        Rejection::BodyTooLarge,
        Rejection::BodyUnreadable,
        Rejection::DeadlineExceeded,
        Rejection::HandlerFailed,
        Rejection::InvalidHeader("x"),
        Rejection::InvalidToken,
        Rejection::MethodNotAllowed(Method::Post),
        Rejection::MissingSignature,
        Rejection::MissingToken,
        Rejection::NotFound,
        Rejection::SignatureMismatch,
        Rejection::Stale,
        Rejection::UnexpectedApp,
        Rejection::UnexpectedEvent,
    ] {
        let (answer, reply) = (&answers[rejection.code()], rejection.reply());
        assert_eq!(answer["status"], reply.status(), "{}", rejection.code());
        assert_eq!(answer["body"].as_str().unwrap().as_bytes(), reply.body(), "{}", rejection.code());
        for (name, value) in reply.headers() {
            assert_eq!(answer["headers"][name], value, "{}", rejection.code());
        }
    }
}
