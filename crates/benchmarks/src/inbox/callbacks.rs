//! Callbacks: as many as are asked for, no two alike.

use std::sync::atomic::{AtomicU64, Ordering};

use lifecycle_core::{Delivery, seismic};

const KINDS: [&str; 5] = ["install", "enable", "upgrade", "disable", "uninstall"];

/// Hands out callbacks of 350 bytes, each with a request id and a time of its own, to so many tenants in turns.
pub(crate) struct Callbacks {
    next: AtomicU64,
    tenants: u64,
}

impl Callbacks {
    pub(crate) fn to(tenants: u64) -> Self {
        Self { next: AtomicU64::new(0), tenants }
    }

    pub(crate) fn next(&self) -> Delivery {
        let nth = self.next.fetch_add(1, Ordering::Relaxed);
        // Tenants that come one after the other do not lie beside each other in an index.
        let tenant = tenant(nth.wrapping_mul(0x9E37_79B9) % self.tenants);
        let kind = KINDS[usize::try_from(nth / self.tenants % 5).unwrap_or_default()];
        let (seconds, millis) = (nth / 1_000, nth % 1_000);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        let body = format!(
            r#"{{"appId":"{APP}","appName":"my test app","tenantId":"{tenant}","tenant":"seismicapps","userId":"e6f77acb-6f11-482c-822b-5dbdcc002a20","userEmail":"avery.admin@example.com","requestId":"de680a3a-2b96-45d8-a0f7-{nth:012x}","version":"0.1.4","type":"{kind}","timestamp":"2020-09-01T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"}}"#
        );
        lifecycle_testing::delivery(&seismic::PLATFORM, &body)
    }
}

pub(crate) const APP: &str = "04bd6eda-4b04-4572-a744-7233ccc077cd";

/// What stands before the number in a tenant's name, which is 14 hex digits.
pub(crate) const TENANT: &str = "bd6eda-4b04-4572-a744-";

fn tenant(nth: u64) -> String {
    format!("{TENANT}{nth:014x}")
}
