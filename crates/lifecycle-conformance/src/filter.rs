//! Filter: which cases of a suite are run.

use crate::fixture::Fixture;
use crate::route::Route;

/// Which cases of a suite are run; all by default.
#[derive(Clone, Debug, Default)]
pub struct Filter(Wanted);

#[derive(Clone, Debug, Default)]
enum Wanted {
    #[default]
    All,
    Id(String),
    Word(String),
}

impl Filter {
    /// The cases of the fixture with exactly this id.
    pub fn id(id: impl Into<String>) -> Self {
        Self(Wanted::Id(id.into()))
    }

    /// The cases with this word in the fixture's id, the subject's name or the route's path.
    pub fn word(word: impl Into<String>) -> Self {
        Self(Wanted::Word(word.into()))
    }

    /// Whether this fixture is run, whatever the subject and the route.
    pub fn admits_fixture(&self, fixture: &Fixture) -> bool {
        match &self.0 {
            Wanted::All => true,
            Wanted::Id(id) => fixture.id == *id,
            Wanted::Word(word) => fixture.id.contains(word),
        }
    }

    pub(crate) fn admits(&self, fixture: &Fixture, subject: &str, route: &Route) -> bool {
        let named = match &self.0 {
            Wanted::All | Wanted::Id(_) => false,
            Wanted::Word(word) => subject.contains(word) || route.path.contains(word),
        };
        named || self.admits_fixture(fixture)
    }
}
