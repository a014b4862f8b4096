//! From a text to the scores of all tasks.

use super::featurizer::Featurizer;
use super::task_model::TaskModel;
use crate::linear::Scorer;
use crate::task::Score;
use std::sync::{Arc, Mutex, PoisonError};

/// Tasks by the features that they share: a text is read once for all of them. They have to be the same every time.
pub(super) struct Scoring {
    shares: Vec<Share>,
}

struct Share {
    featurizer: Arc<Featurizer>,
    /// Positions in the list of tasks.
    tasks: Vec<usize>,
    /// Those that no thread is at work with.
    idle: Mutex<Vec<Scorer>>,
}

impl Scoring {
    pub fn new(tasks: &[TaskModel]) -> Self {
        let mut shares: Vec<Share> = Vec::new();
        for (t, task) in tasks.iter().enumerate() {
            match shares.iter_mut().find(|share| Arc::ptr_eq(&share.featurizer, &task.featurizer)) {
                Some(share) => share.tasks.push(t),
                None => {
                    let featurizer = Arc::clone(&task.featurizer);
                    shares.push(Share { featurizer, tasks: vec![t], idle: Mutex::default() });
                }
            }
        }
        Scoring { shares }
    }

    /// The scores of a text, by task and label.
    pub fn scores(&self, tasks: &[TaskModel], text: &str) -> Vec<Vec<Score>> {
        let mut scores = vec![Vec::new(); tasks.len()];
        for Share { featurizer, tasks: sharing, idle } in &self.shares {
            let idle = || idle.lock().unwrap_or_else(PoisonError::into_inner);
            let scorer = idle().pop();
            let regressions = sharing.iter().map(|&t| &tasks[t].regression);
            let outputs = || regressions.clone().map(|r| r.outputs()).sum();
            let mut scorer = scorer.unwrap_or_else(|| Scorer::new(featurizer.width(), outputs()));
            featurizer.read(text, |row| {
                let found = scorer.scores(regressions.clone(), row);
                sharing.iter().zip(found).for_each(|(&t, found)| scores[t] = found);
            });
            idle().push(scorer);
        }
        scores
    }
}
