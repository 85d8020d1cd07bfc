//! A model of the inbox's contract: an engine does what a plain reference does, step by step, whatever
//! is asked of it in whatever order. Where it does not, the fewest and simplest steps that show it are printed.
//!
//! Each sequence of steps follows from its seed. [`VARIABLE`] asks for other seeds than a test's own, and for more of them:
//!
//! ```text
//! LIFECYCLE_TEST_SEEDS=0..10000 cargo test -p lifecycle-inbox-sqlite --test behaviour model
//! LIFECYCLE_TEST_SEEDS=4711..4712 cargo test -p lifecycle-inbox-sqlite --test behaviour model
//! ```

mod driver;
mod operation;
mod reference;
mod scene;

use std::env;
use std::ops::Range;
use std::sync::Arc;

use lifecycle_inbox::{Engine, InstallationStore, SecretStore};
use proptest::collection::vec;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

pub use scene::{Operation, Scene};

use driver::Driver;
use operation::{Step, step};

/// The variable that names the seeds to try, as `FIRST..END`.
pub const VARIABLE: &str = "LIFECYCLE_TEST_SEEDS";

/// The most steps of a sequence.
const STEPS: usize = 120;

/// An engine that keeps installations and secrets too.
pub trait UnderTest: Engine + InstallationStore + SecretStore {}

impl<E: Engine + InstallationStore + SecretStore> UnderTest for E {}

/// A handle to a store.
type Handle = Arc<dyn UnderTest>;

/// Tries the sequences of these seeds, or of those that [`VARIABLE`] names. `open` opens a handle to the store of this number,
/// which is new and empty at the first time; stores of earlier numbers are not asked for again.
///
/// # Panics
/// When the engine does something else than the reference, with the seed and the fewest steps that show it.
pub fn check<E: UnderTest>(seeds: Range<u64>, open: impl AsyncFn(u64) -> E) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut store = 0;
    for seed in asked_for().unwrap_or(seeds) {
        let mut runner = TestRunner::new_with_rng(config(), random(seed));
        let mut try_in_new_store = |steps: &[Step]| {
            store += 1;
            runtime.block_on(follow(store, steps, &open))
        };
        let tried = std::cell::RefCell::new(&mut try_in_new_store);
        if let Err(why) = runner.run(&vec(step(), 1..=STEPS), |steps| (tried.borrow_mut())(&steps)) {
            panic!("{VARIABLE}={seed}..{} shows it: {why}", seed + 1);
        }
    }
}

/// One sequence for each seed, and no files beside the sources.
fn config() -> Config {
    Config { cases: 1, failure_persistence: None, max_shrink_iters: 4_000, ..Config::default() }
}

fn random(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

fn asked_for() -> Option<Range<u64>> {
    let text = env::var(VARIABLE).ok()?;
    let range = text.split_once("..").and_then(|(first, end)| Some(first.parse().ok()?..end.parse().ok()?));
    Some(range.unwrap_or_else(|| panic!("{VARIABLE} is FIRST..END, not {text:?}")))
}

async fn follow<E: UnderTest>(
    store: u64,
    steps: &[Step],
    open: &impl AsyncFn(u64) -> E,
) -> Result<(), TestCaseError> {
    let open = async || Arc::new(open(store).await) as Handle;
    let mut driver = Driver::new([open().await, open().await]);
    for step in steps {
        if let Some(handle) = driver.take(step).await? {
            driver.replace(handle, open().await);
        }
    }
    driver.compare_all().await?;
    driver.drain().await?;
    driver.compare_all().await
}
