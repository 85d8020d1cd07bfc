//! Page: what the demo app shows to its operator.

/// A page that depends on nothing in the request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Page {
    /// `GET /deliveries`: what was handled, in order.
    Deliveries,
    /// `GET /routes`: what the app serves.
    Routes,
    /// `GET /healthz`: 200, or 503 when the database cannot be written to.
    Health,
    /// `GET /inbox`: how much is still to be done.
    Inbox,
    /// `GET /installations`: the state that follows from what was handled.
    Installations,
}

impl Page {
    /// All of them, with their paths.
    pub const ALL: [(&str, Self); 5] = [
        ("/deliveries", Self::Deliveries),
        ("/routes", Self::Routes),
        ("/healthz", Self::Health),
        ("/inbox", Self::Inbox),
        ("/installations", Self::Installations),
    ];
}
