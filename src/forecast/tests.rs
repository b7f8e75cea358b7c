//! Small graphs with known longest paths, and logs with known times.

use super::*;

#[test]
fn nothing_to_do_takes_no_time() {
    let plan =
        ScopePlan { needs: BTreeSet::new(), steps: BTreeMap::new(), calendar: None, expected: Millis(0) };
    assert_eq!(scope(&plan, &Durations::published()), Forecast::default());
}
