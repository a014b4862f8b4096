//! What `check` and `compare` found as JUnit XML, which test dashboards read. It holds no times and no hosts.

use super::comparison::verdict_line;
use crate::error::{Error, Result};
use crate::eval::{Comparison, Verdict};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// A condition on a candidate, and whether it is met.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The candidate.
    pub candidate: String,
    /// The condition as written.
    pub condition: String,
    /// The figure asked about; `None` where it is undefined.
    pub found: Option<f64>,
    /// Whether the condition is met.
    pub met: bool,
}

impl Checked {
    /// What is wrong, unless it is met.
    pub fn fault(&self) -> Option<String> {
        let fault = || format!("{}: required {}, found {}", self.candidate, self.condition, self.found_text());
        (!self.met).then(fault)
    }

    /// One decimal more than elsewhere, so that a figure just under its floor does not look like it.
    pub(super) fn found_text(&self) -> String {
        self.found.map_or_else(|| "n/a".into(), |v| format!("{v:.4}"))
    }
}

/// One case a fault, or one that passes.
///
/// # Errors
///
/// Text that XML cannot hold.
pub fn faults_junit(faults: &[Error]) -> Result<String> {
    let mut suite = TestSuite::new("check");
    if faults.is_empty() {
        suite.add_test_case(TestCase::new("no faults", TestCaseStatus::success()));
    }
    for fault in faults {
        let path = fault.path().map_or_else(String::new, |path| path.display().to_string());
        let place = fault.line_number().map_or_else(|| path.clone(), |line| format!("{path}:{line}"));
        suite.add_test_case(failed(place, fault.message()));
    }
    written("rubrique check", [suite])
}

/// One suite a candidate, in it one case a task and one a condition. What the data cannot tell is skipped, or fails where
/// evidence is required.
///
/// # Errors
///
/// Text that XML cannot hold.
pub fn comparison_junit(
    comparisons: &[(String, Comparison)],
    conditions: &[Checked],
    require_evidence: bool,
) -> Result<String> {
    let suites = comparisons.iter().map(|(candidate, comparison)| {
        let mut suite = TestSuite::new(candidate.as_str());
        for (name, task) in &comparison.tasks {
            let title = format!("{name}: {} not worse by more than {}", task.primary, comparison.margin);
            let line = verdict_line(name, task);
            suite.add_test_case(match task.verdict {
                Verdict::Pass => TestCase::new(title, TestCaseStatus::success()),
                Verdict::Inconclusive if !require_evidence => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(line);
                    TestCase::new(title, status)
                }
                Verdict::Fail | Verdict::Inconclusive => failed(title, &line),
            });
        }
        for condition in conditions.iter().filter(|c| c.candidate == *candidate) {
            suite.add_test_case(match condition.fault() {
                Some(fault) => failed(condition.condition.clone(), &fault),
                None => TestCase::new(condition.condition.as_str(), TestCaseStatus::success()),
            });
        }
        suite
    });
    written("rubrique compare", suites)
}

fn failed(name: String, message: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message);
    TestCase::new(name, status)
}

fn written(name: &str, suites: impl IntoIterator<Item = TestSuite>) -> Result<String> {
    let mut report = Report::new(name);
    report.add_test_suites(suites);
    report.to_string().map_err(|e| Error::data(format!("JUnit cannot be written: {e}")))
}
