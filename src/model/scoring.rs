//! From a text to the scores of all tasks.

use super::featurizer::Featurizer;
use super::task_model::TaskModel;
use crate::linear::Scorer;
use crate::task::Score;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;
use thread_local::ThreadLocal;

/// Tasks by the features that they share: a text is read once for all of them. They have to be the same every time.
pub(super) struct Scoring {
    shares: Vec<Share>,
    /// By task the places of its scores.
    places: Vec<Range<usize>>,
    /// What each thread works with.
    memories: ThreadLocal<RefCell<Memory>>,
}

struct Share {
    featurizer: Arc<Featurizer>,
    /// Positions in the list of tasks.
    tasks: Vec<usize>,
    /// Where the scores of its tasks stand, one after the other.
    places: Vec<usize>,
}

struct Memory {
    /// By share.
    scorers: Vec<Scorer>,
    /// Those of the last text.
    scores: Vec<Score>,
}

impl Scoring {
    pub fn new(tasks: &[TaskModel]) -> Self {
        let mut shares: Vec<Share> = Vec::new();
        for (t, task) in tasks.iter().enumerate() {
            match shares.iter_mut().find(|share| Arc::ptr_eq(&share.featurizer, &task.featurizer)) {
                Some(share) => share.tasks.push(t),
                None => {
                    let featurizer = Arc::clone(&task.featurizer);
                    shares.push(Share { featurizer, tasks: vec![t], places: Vec::new() });
                }
            }
        }
        let mut end = 0;
        let places = tasks.iter().map(|task| {
            let start = end;
            end += task.regression.outputs();
            start..end
        });
        let places: Vec<Range<usize>> = places.collect();
        for share in &mut shares {
            share.places = share.tasks.iter().flat_map(|&t| places[t].clone()).collect();
        }
        Scoring { places, shares, memories: ThreadLocal::new() }
    }

    /// What is made of the scores of a text, task by task.
    pub fn read<'a, T>(
        &self,
        tasks: &'a [TaskModel],
        text: &str,
        made_of: impl Fn(&'a TaskModel, &[Score]) -> T,
    ) -> Vec<T> {
        let mut memory = self.memories.get_or(|| RefCell::new(self.memory(tasks))).borrow_mut();
        let Memory { scorers, scores } = &mut *memory;
        for (Share { featurizer, tasks: sharing, places }, scorer) in self.shares.iter().zip(scorers) {
            featurizer.read_unordered(text, |row| {
                let found = scorer.scores(sharing.iter().map(|&t| &tasks[t].regression), row);
                places.iter().zip(found).for_each(|(&place, &score)| scores[place] = score);
            });
        }
        tasks.iter().zip(&self.places).map(|(task, places)| made_of(task, &scores[places.clone()])).collect()
    }

    fn memory(&self, tasks: &[TaskModel]) -> Memory {
        let scorer =
            |share: &Share| Scorer::new(share.tasks.iter().map(|&t| &tasks[t].regression), share.featurizer.width());
        let outputs = self.places.last().map_or(0, |places| places.end);
        Memory { scorers: self.shares.iter().map(scorer).collect(), scores: vec![Score(0.0); outputs] }
    }
}
