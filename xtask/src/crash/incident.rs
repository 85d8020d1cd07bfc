//! Incident: what befalls the apps and their database in a round, besides that apps are killed.

use super::clock;
use super::failover;
use super::frozen;
use super::full;
use super::lost;
use super::round::Engine;
use super::stage::Stage;
use crate::Failure;

/// One for each round; the seed says which.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Incident {
    /// The senders' clocks are broken, and the apps' own jump.
    Clocks,
    /// The primary is lost, and its standby promoted.
    Failover,
    /// An app is stopped in whatever it does, for longer than its leases last, and goes on.
    Frozen,
    /// The server has no connection left, while apps run and when one starts.
    Full,
    /// Nothing but kills.
    Kills,
    /// The file is moved, deleted, replaced or truncated.
    Lost,
}

impl Incident {
    /// The turns of neighbouring seeds differ in their apps first, then in this.
    pub(crate) fn of(engine: Engine, seed: u64, apps: usize) -> Self {
        let all = match engine {
            Engine::Postgres => {
                [Self::Kills, Self::Failover, Self::Full, Self::Clocks, Self::Frozen].as_slice()
            }
            Engine::Sqlite => [Self::Kills, Self::Lost, Self::Clocks, Self::Frozen].as_slice(),
        };
        let turn = seed / apps.max(1) as u64 % all.len() as u64;
        usize::try_from(turn).ok().and_then(|turn| all.get(turn)).copied().unwrap_or(Self::Kills)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Clocks => "clocks",
            Self::Failover => "failover",
            Self::Frozen => "frozen app",
            Self::Full => "full server",
            Self::Kills => "kills",
            Self::Lost => "lost file",
        }
    }

    /// Every app runs before and afterwards, and the senders send.
    pub(crate) fn befall(self, stage: &mut Stage<'_>) -> Result<(), Failure> {
        match self {
            Self::Clocks => clock::befall(stage),
            Self::Failover => failover::befall(stage),
            Self::Frozen => frozen::befall(stage),
            Self::Full => full::befall(stage),
            Self::Kills => Ok(()),
            Self::Lost => lost::befall(stage),
        }
    }
}
