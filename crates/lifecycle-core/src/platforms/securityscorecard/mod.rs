//! SecurityScorecard: an unsigned installation hook, a browser installation flow, a manifest, and actions.
