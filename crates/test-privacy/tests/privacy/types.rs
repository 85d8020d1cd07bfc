//! Every public type that implements `Debug` is shown here, or it is said why not.

use std::collections::BTreeSet;

use crate::sources::Library;
use crate::values;

/// Types that are not among the [values], and why.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("example_shared::app::App", BARE),
    ("example_shared::failure::Failure", PEOPLE),
    ("example_shared::serve::unread::WatchedBody", BARE),
    ("example_shared::settings::Settings", BARE),
    ("example_shared::settings::SettingsError", NAME),
    ("example_shared::shutdown::Shutdown", BARE),
    ("lifecycle_actix::rejection::VerifiedRejection", REASON),
    ("lifecycle_adapter::deadline::Deadline", BARE),
    ("lifecycle_conformance::answer::Answer", FIXTURE),
    ("lifecycle_conformance::body::Body", FIXTURE),
    ("lifecycle_conformance::body::Edit", FIXTURE),
    ("lifecycle_conformance::body::Nested", FIXTURE),
    ("lifecycle_conformance::body::Repeat", FIXTURE),
    ("lifecycle_conformance::body::Sample", FIXTURE),
    ("lifecycle_conformance::check::Difference", REPORT),
    ("lifecycle_conformance::contact::ContactError", REPORT),
    ("lifecycle_conformance::filter::Filter", REPORT),
    ("lifecycle_conformance::finding::Finding", REPORT),
    ("lifecycle_conformance::fixture::Fixture", FIXTURE),
    ("lifecycle_conformance::fixture::Header", FIXTURE),
    ("lifecycle_conformance::fixture::HeaderValue", FIXTURE),
    ("lifecycle_conformance::fixture::Request", FIXTURE),
    ("lifecycle_conformance::fixture::Seen", FIXTURE),
    ("lifecycle_conformance::group::Group", FIXTURE),
    ("lifecycle_conformance::message::Framing", FIXTURE),
    ("lifecycle_conformance::message::Length", FIXTURE),
    ("lifecycle_conformance::message::Stop", FIXTURE),
    ("lifecycle_conformance::program::Program", REPORT),
    ("lifecycle_conformance::program::ProgramError", REPORT),
    ("lifecycle_conformance::progress::Progress", REPORT),
    ("lifecycle_conformance::report::Case", REPORT),
    ("lifecycle_conformance::report::Report", REPORT),
    ("lifecycle_conformance::report::Skipped", REPORT),
    ("lifecycle_conformance::report::file::ReportFile", REPORT),
    ("lifecycle_conformance::route::Route", REPORT),
    ("lifecycle_conformance::suite::Suite", FIXTURE),
    ("lifecycle_conformance::suite::SuiteError", FIXTURE),
    ("lifecycle_core::ack::Ack", CONSTANT),
    ("lifecycle_core::decision::Decision", REASON),
    ("lifecycle_core::decision::Reason", REASON),
    ("lifecycle_core::event::EventKind", NAME),
    ("lifecycle_core::idempotency::IdempotencyKey", NAME),
    ("lifecycle_core::key_set::KeySet", NAME),
    ("lifecycle_core::keys::KeyHint", BARE),
    ("lifecycle_core::envelope::Unreadable", NAME),
    ("lifecycle_core::platform::Platform", CONSTANT),
    ("lifecycle_core::rejected_request::RejectedRequest", REASON),
    ("lifecycle_core::rejection::Rejection", REASON),
    ("lifecycle_core::platforms::forge::Module", NAME),
    ("lifecycle_core::public_key::PublicKey", NAME),
    ("lifecycle_core::secret::KeyName", NAME),
    ("lifecycle_core::trust::Trust", NAME),
    ("lifecycle_core::verifier::ExpectedApp", NAME),
    ("lifecycle_inbox::operations::UnknownPlatform", NAME),
    ("lifecycle_inbox::record::Platforms", CONSTANT),
    ("lifecycle_inbox::record::Unreadable", NAME),
    ("lifecycle_inbox::runner::RunOutcome", NAME),
    ("lifecycle_inbox_postgres::engine::PostgresEngine", BARE),
    ("lifecycle_inbox_postgres::runner::PostgresRunner", BARE),
    ("lifecycle_inbox_sqlite::handler::Transaction", BARE),
    ("lifecycle_inbox_sqlite::open::OpenError", NAME),
    ("lifecycle_keys::client::FetchError", CONSTANT),
    ("lifecycle_securityscorecard::action_error::ActionError", NAME),
    ("lifecycle_securityscorecard::manifest::display::Description", PUBLISHED),
    ("lifecycle_securityscorecard::manifest::display::Developer", PUBLISHED),
    ("lifecycle_securityscorecard::manifest::display::DisplaySettings", PUBLISHED),
    ("lifecycle_securityscorecard::manifest::display::HeroImage", PUBLISHED),
    ("lifecycle_securityscorecard::manifest::part::DeclaredSecret", PUBLISHED),
    ("lifecycle_securityscorecard::manifest::part::Reference", PUBLISHED),
    ("lifecycle_securityscorecard::manifest::part::Severity", PUBLISHED),
    ("lifecycle_securityscorecard::manifest::problem::ManifestProblem", NAME),
    ("lifecycle_securityscorecard::manifest::problem::ManifestProblems", NAME),
    ("lifecycle_securityscorecard::page::error::InstallPageError", NAME),
    ("lifecycle_securityscorecard::query::InstallQuery", NAME),
    ("lifecycle_simulator::error::Error", NAME),
    ("lifecycle_simulator::outcome::Outcome", NAME),
    ("lifecycle_testing::keys::SigningKeyError", NAME),
    ("lifecycle_tower::axum::VerifiedRejection", REASON),
    ("lifecycle_tower::enabled::RequireEnabled", APPS),
    ("lifecycle_tower::enabled::RequireEnabledLayer", BARE),
    ("lifecycle_tower::future::ResponseFuture", BARE),
    ("lifecycle_tower::layer::Lifecycle", APPS),
    ("lifecycle_vault::keyring::KeyringError", NAME),
];

const FIXTURE: &str = "It is of a fixture, which is published.";
const REPORT: &str = "It is there to say what a server did with fixtures.";
const CONSTANT: &str = "It is made of constants of the program.";
const NAME: &str = "It holds names, which are there to be read, and numbers.";
const REASON: &str = "It holds the reason of a refusal, which the platform reads.";
const PUBLISHED: &str = "The marketplace shows it to everybody.";
const APPS: &str = "It is around the app's own service, and shows that one's `Debug`.";
const BARE: &str = "Only a request, a transaction, a server or the environment makes one; its `Debug` by hand names no field but a port.";
const PEOPLE: &str = "`main` returns it: it is an error of these libraries, in one line.";

#[tokio::test]
async fn no_public_type_shows_what_is_secret_or_personal() {
    for value in values::all().await {
        for text in &value.texts {
            assert!(!test_privacy::shows(text), "{}: {text}", value.path());
        }
    }
}

#[tokio::test]
async fn no_public_type_that_implements_debug_is_forgotten() {
    let libraries: Vec<Library> = Library::all();
    let public: BTreeSet<&str> = libraries.iter().flat_map(Library::to_be_shown).collect();
    let shown: BTreeSet<String> = values::all().await.iter().map(values::Shown::path).collect();
    let exempt: BTreeSet<&str> = NOT_SHOWN.iter().map(|(path, _)| *path).collect();
    let forgotten: Vec<_> =
        public.iter().filter(|it| !shown.contains(**it) && !exempt.contains(**it)).collect();
    assert!(
        forgotten.is_empty(),
        "show a value of each of these in `values`, or say why not: {forgotten:#?}"
    );
    let gone: Vec<_> = exempt.iter().filter(|it| !public.contains(**it) || shown.contains(**it)).collect();
    assert!(gone.is_empty(), "these need no reason: {gone:#?}");
    assert!(public.len() > 60, "the sources were not read: {public:?}");
}
