//! What makes fine conflicts hard, a test for each trap: the parallel engine yields the serial result however it
//! is disturbed, and what is reported depends on no more and no less than it must.

mod accounts;
mod balances;
mod forks;
mod locations;
mod world;

#[test]
fn the_documentation_names_every_test_of_this_folder_and_no_other() {
    let page = include_str!("../../docs/algorithm.md");
    let mut tests = std::collections::BTreeSet::new();
    for (module, source) in [
        ("accounts", include_str!("accounts.rs")),
        ("balances", include_str!("balances.rs")),
        ("forks", include_str!("forks.rs")),
        ("locations", include_str!("locations.rs")),
    ] {
        for test in source.split("#[test]\nfn ").skip(1) {
            tests.insert(format!("{module}::{}", test.split('(').next().unwrap()));
        }
    }
    let named = page.split('`').filter(|word| word.contains("::") && !word.contains(' '));
    assert_eq!(named.map(str::to_owned).collect::<std::collections::BTreeSet<_>>(), tests);
}
