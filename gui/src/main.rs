//! gui
fn main() {}
