//! examples/shared
