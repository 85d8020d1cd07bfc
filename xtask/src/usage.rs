//! Usage: what a process has of the machine, and whether that grows.

use std::fmt;
use std::fs;

use crate::Failure;

/// By how much it may grow.
pub(crate) type Bound = Usage;

/// At one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Usage {
    /// Resident, in KiB.
    pub(crate) memory: u64,
    pub(crate) descriptors: u64,
}

/// Of one process: before and after.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Growth {
    pub(crate) before: Usage,
    pub(crate) after: Usage,
}

impl Usage {
    /// Of a process that runs, on Linux.
    pub(crate) fn of(process: u32) -> Result<Self, Failure> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = resident.and_then(|rest| rest.split_whitespace().next()).ok_or("no memory is told")?;
        let descriptors = fs::read_dir(format!("/proc/{process}/fd"))?.count();
        Ok(Self { memory: memory.parse()?, descriptors: u64::try_from(descriptors)? })
    }
}

impl Growth {
    /// From the early to the late ones of these, which are in the order of time: the medians of a quarter each. The first tenth
    /// is a warm-up. `None` where there are none.
    pub(crate) fn over(usages: &[Usage]) -> Option<Self> {
        let warm = &usages[usages.len().div_ceil(10).min(usages.len().saturating_sub(1))..];
        let quarter = warm.len().div_ceil(4);
        let median = |usages: &[Usage]| {
            let middle = |mut numbers: Vec<u64>| {
                numbers.sort_unstable();
                numbers.get(numbers.len() / 2).copied()
            };
            Some(Usage {
                memory: middle(usages.iter().map(|usage| usage.memory).collect())?,
                descriptors: middle(usages.iter().map(|usage| usage.descriptors).collect())?,
            })
        };
        Some(Self { before: median(&warm[..quarter])?, after: median(&warm[warm.len() - quarter..])? })
    }

    pub(crate) fn is_within(&self, bound: Bound) -> bool {
        self.after.memory <= self.before.memory + bound.memory
            && self.after.descriptors <= self.before.descriptors + bound.descriptors
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, after } = self;
        let (from, to) = (before.memory / 1024, after.memory / 1024);
        write!(f, "memory {from} to {to} MiB, descriptors {} to {}", before.descriptors, after.descriptors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tenth_is_a_warm_up_and_single_peaks_do_not_count() {
        let usages: Vec<Usage> = [9, 1, 1, 99, 1, 5, 5, 5, 5, 2, 2, 50, 2]
            .map(|number| Usage { memory: number * 1024, descriptors: 10 })
            .into();
        let growth = Growth::over(&usages).unwrap();
        assert_eq!((growth.before.memory, growth.after.memory), (1024, 2048));
        assert_eq!(Growth::over(&usages[..1]).unwrap().before.memory, 9 * 1024);
        assert_eq!(Growth::over(&[]), None);
    }

    #[test]
    fn growth_over_a_bound_is_noticed() {
        let before = Usage { memory: 20_000, descriptors: 20 };
        let bound = Bound { memory: 1000, descriptors: 8 };
        for (memory, descriptors, is_within) in
            [(21_000, 28, true), (10_000, 10, true), (21_001, 20, false), (20_000, 29, false)]
        {
            let growth = Growth { before, after: Usage { memory, descriptors } };
            assert_eq!(growth.is_within(bound), is_within, "{growth}");
        }
    }

    #[test]
    fn a_process_has_memory_and_descriptors() {
        let own = Usage::of(std::process::id()).unwrap();
        assert!(own.memory > 100 && own.descriptors >= 3, "{own:?}");
    }
}
