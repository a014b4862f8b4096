//! What can be said of labelled data before anything is fitted on it.

use super::agreement::{cohen_kappa, krippendorff_alpha};
use super::near_duplicates::near_duplicates;
use super::{Checked, Dataset, Example, in_order_of_place};
use crate::error::{Error, on_one_line};
use crate::task::{LabelId, LabelSet, TaskKind};
use indexmap::IndexMap;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use unicode_normalization::UnicodeNormalization;

/// A label that fewer than this share of the paragraphs carry is called rare.
const RARE: f64 = 0.05;

/// Counts and agreement of a data set, and advice.
#[derive(Debug, Serialize)]
pub struct Quality {
    /// The number of paragraphs, those set aside for testing included.
    pub paragraphs: usize,
    /// Those set aside for testing.
    pub test: usize,
    /// The number of articles.
    pub groups: usize,
    /// By task.
    pub tasks: IndexMap<String, TaskQuality>,
    /// How many paragraphs carry both of two labels, of one task or of two: `task.label + task.label`, most first.
    pub pairs: Vec<(String, usize)>,
    /// Suspicions and imbalances: nothing that must be mended.
    pub advice: Vec<String>,
}

/// Counts and agreement of one task.
#[derive(Debug, Serialize)]
pub struct TaskQuality {
    /// The paragraphs that are labelled for it.
    pub labelled: usize,
    /// Of a multi-label task, those that carry no label.
    pub without_label: Option<usize>,
    /// Agreement on the classes of a single-label task.
    pub alpha: Option<f64>,
    /// By label.
    pub labels: IndexMap<String, LabelQuality>,
    /// Each two annotators who have read the same paragraphs.
    pub pairs: Vec<PairAgreement>,
}

/// How far two annotators agree on the paragraphs that both have read.
#[derive(Debug, Serialize)]
pub struct PairAgreement {
    /// The two, by name.
    pub annotators: [String; 2],
    /// The paragraphs that both have read.
    pub paragraphs: usize,
    /// [`cohen_kappa`] on the classes of a single-label task.
    pub kappa: Option<f64>,
    /// [`cohen_kappa`] by label of a multi-label task, on whether it applies.
    pub labels: IndexMap<String, Option<f64>>,
}

/// Counts and agreement of one label.
#[derive(Debug, Serialize)]
pub struct LabelQuality {
    /// The paragraphs that carry it.
    pub paragraphs: usize,
    /// The articles that have such a paragraph.
    pub groups: usize,
    /// Krippendorff's alpha on whether it applies; `None` without two readings of any paragraph.
    pub alpha: Option<f64>,
}

impl Checked {
    /// Looks at all rows together: counts, agreement and advice, and, added to the faults, texts that stand with two
    /// label sets and near duplicates in different groups.
    pub fn quality(&mut self) -> Quality {
        let dataset = &self.dataset;
        let all: Vec<&Example> = dataset.examples.iter().chain(&dataset.test).collect();
        let mut advice = dataset.notes.clone();
        advice.extend(dataset.repeated_readings());
        let faults = faults_between(dataset, &all, &mut advice);
        let groups_of = |rows: &[&&Example]| {
            let mut groups: Vec<&str> = rows.iter().map(|e| e.group.as_str()).collect();
            groups.sort_unstable();
            groups.dedup();
            groups.len()
        };
        let mut tasks = IndexMap::new();
        for (t, spec) in dataset.tasks.iter().enumerate() {
            let labelled: Vec<&&Example> = all.iter().filter(|e| e.gold[t].is_some()).collect();
            let readings = dataset.readings_by_paragraph(t);
            let mut labels = IndexMap::new();
            for (k, name) in spec.labels.iter().enumerate() {
                let carries = |gold: &LabelSet| gold.contains(LabelId(k));
                let own: Vec<&&Example> =
                    labelled.iter().copied().filter(|e| e.gold[t].as_ref().is_some_and(carries)).collect();
                let units: Vec<Vec<bool>> =
                    readings.iter().map(|unit| unit.iter().map(|g| carries(g)).collect()).collect();
                if own.is_empty() {
                    advice.push(format!("label `{name}` of task `{}` has no example", spec.name));
                } else if (own.len() as f64) < RARE * labelled.len() as f64 {
                    advice.push(format!(
                        "label `{name}` of task `{}` is rare ({} of {} paragraphs)",
                        spec.name,
                        own.len(),
                        labelled.len()
                    ));
                }
                let quality =
                    LabelQuality { paragraphs: own.len(), groups: groups_of(&own), alpha: krippendorff_alpha(&units) };
                labels.insert(name.clone(), quality);
            }
            let multi = spec.kind == TaskKind::Multi;
            let empty = labelled.iter().filter(|e| e.gold[t].as_ref().is_some_and(LabelSet::is_empty)).count();
            let quality = TaskQuality {
                labelled: labelled.len(),
                without_label: multi.then_some(empty),
                alpha: if multi { None } else { krippendorff_alpha(&readings) },
                labels,
                pairs: dataset.pair_agreements(t),
            };
            tasks.insert(spec.name.clone(), quality);
        }
        let quality = Quality {
            paragraphs: all.len(),
            test: dataset.test.len(),
            groups: groups_of(&all.iter().collect::<Vec<_>>()),
            tasks,
            pairs: pairs(dataset, &all),
            advice,
        };
        self.faults.extend(faults);
        in_order_of_place(&mut self.faults);
        quality
    }
}

impl Dataset {
    /// The readings of each paragraph that has any, for one task; of one annotator's the last.
    fn readings_by_paragraph(&self, task: usize) -> Vec<Vec<&LabelSet>> {
        let mut units: BTreeMap<&str, BTreeMap<&str, &LabelSet>> = BTreeMap::new();
        for reading in &self.readings {
            if let Some(gold) = &reading.gold[task] {
                units.entry(&reading.id).or_default().insert(&reading.annotator, gold);
            }
        }
        units.into_values().map(|unit| unit.into_values().collect()).collect()
    }

    /// What is to be said of annotators who have read a paragraph more than once.
    fn repeated_readings(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        let mut again = self.readings.iter().filter(|reading| !seen.insert((&reading.id, &reading.annotator)));
        let first = again.next()?;
        Some(format!(
            "{} readings are by an annotator who has read the paragraph before, as that of `{}` by `{}`: the last one counts",
            1 + again.count(),
            on_one_line(&first.id),
            on_one_line(&first.annotator)
        ))
    }
}

impl Dataset {
    /// Every two annotators with paragraphs in common, on one task.
    fn pair_agreements(&self, task: usize) -> Vec<PairAgreement> {
        let spec = &self.tasks[task];
        let mut by_annotator: BTreeMap<&str, BTreeMap<&str, &LabelSet>> = BTreeMap::new();
        for reading in &self.readings {
            if let Some(gold) = &reading.gold[task] {
                by_annotator.entry(&reading.annotator).or_default().insert(&reading.id, gold);
            }
        }
        let all: Vec<(&str, BTreeMap<&str, &LabelSet>)> = by_annotator.into_iter().collect();
        let mut pairs = Vec::new();
        for (i, (first, said)) in all.iter().enumerate() {
            for (second, said_too) in &all[i + 1..] {
                let both: Vec<(&LabelSet, &LabelSet)> =
                    said.iter().filter_map(|(id, gold)| Some((*gold, *said_too.get(id)?))).collect();
                if both.is_empty() {
                    continue;
                }
                let table = |size: usize, class: &dyn Fn(&LabelSet) -> usize| {
                    let mut table = vec![vec![0; size]; size];
                    both.iter().for_each(|(a, b)| table[class(a)][class(b)] += 1);
                    cohen_kappa(&table)
                };
                let multi = spec.kind == TaskKind::Multi;
                let applies = |(k, name): (usize, &String)| {
                    (name.clone(), table(2, &|set| usize::from(set.contains(LabelId(k)))))
                };
                pairs.push(PairAgreement {
                    annotators: [first.to_string(), second.to_string()],
                    paragraphs: both.len(),
                    kappa: if multi { None } else { table(spec.labels.len(), &|set| set.first().map_or(0, |l| l.0)) },
                    labels: if multi { spec.labels.iter().enumerate().map(applies).collect() } else { IndexMap::new() },
                });
            }
        }
        pairs
    }
}

fn pairs(dataset: &Dataset, all: &[&Example]) -> Vec<(String, usize)> {
    let mut counts: HashMap<(String, String), usize> = HashMap::new();
    for example in all {
        let carried: Vec<String> = dataset
            .tasks
            .iter()
            .zip(&example.gold)
            .flat_map(|(spec, gold)| gold.iter().flat_map(|set| spec.names(set)).map(|l| format!("{}.{l}", spec.name)))
            .collect();
        for (i, first) in carried.iter().enumerate() {
            for second in &carried[i + 1..] {
                *counts.entry((first.clone(), second.clone())).or_default() += 1;
            }
        }
    }
    let mut pairs: Vec<(String, usize)> = counts.into_iter().map(|((a, b), n)| (format!("{a} + {b}"), n)).collect();
    pairs.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    pairs
}

/// One text with two label sets, and near duplicates in two groups, are faults; a text that merely stands twice is not.
/// Of all rows that a row contradicts, and of all that it is near to, one is named.
fn faults_between(dataset: &Dataset, all: &[&Example], advice: &mut Vec<String>) -> Vec<Error> {
    let texts: Vec<&str> = all.iter().map(|e| e.text.as_str()).collect();
    // As a model reads them: composed, and with one space for any run of white space.
    let read: Vec<String> = texts
        .iter()
        .map(|text| text.nfc().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let apart = |a: usize, b: usize| all[a].group != all[b].group;
    // What each row is near to, and how near: the first row of another group before the first of its own.
    let mut near: HashMap<usize, (usize, f64)> = HashMap::new();
    for (a, b, similarity) in near_duplicates(&texts) {
        let known = near.entry(b).or_insert((a, similarity));
        if apart(a, b) && !apart(known.0, b) {
            *known = (a, similarity);
        }
    }
    // The first row of each text that is labelled for a task.
    let mut labelled: HashMap<(&str, usize), usize> = HashMap::new();
    let mut faults = Vec::new();
    for (i, &example) in all.iter().enumerate() {
        let place = |row: usize| format!("{}:{}", all[row].place.path, all[row].place.line);
        let at = |error: Error| error.at(&example.place.path).line(example.place.line);
        let mut contradicted = None;
        for t in (0..dataset.tasks.len()).filter(|&t| example.gold[t].is_some()) {
            let first = *labelled.entry((&read[i], t)).or_insert(i);
            if all[first].gold[t] != example.gold[t] {
                contradicted = contradicted.or(Some((first, t)));
            }
        }
        if let Some((first, t)) = contradicted {
            let spec = &dataset.tasks[t];
            let names = |e: &Example| {
                let names: Vec<&str> = e.gold[t].iter().flat_map(|set| spec.names(set)).collect();
                if names.is_empty() { "none".to_string() } else { names.join("|") }
            };
            let error = Error::data(format!(
                "one text with two label sets of task `{}` (found {}; {} has {})",
                spec.name,
                names(example),
                place(first),
                names(all[first])
            ));
            faults.push(at(error.hint("settle on one of them")));
        }
        // Two rows are named together once.
        match near.get(&i).filter(|(other, _)| contradicted.is_none_or(|(first, _)| first != *other)) {
            Some(&(other, similarity)) if apart(other, i) => {
                let error = Error::data(format!(
                    "a near duplicate in another group (similarity {similarity:.2} to {}; groups `{}` and `{}`)",
                    place(other),
                    example.group,
                    all[other].group
                ));
                faults.push(at(error.hint("give both the same group, or leave one out")));
            }
            Some(&(other, _)) => {
                let alike = if read[i] == read[other] { "the same text as" } else { "nearly the same text as" };
                advice.push(format!("{}: {alike} {}", place(i), place(other)));
            }
            None => {}
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use crate::dataset::{Dataset, TaskChoice};
    use crate::task::TaskKind;
    use crate::text::Columns;

    const LONG: &str = "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze";

    fn check(rows: &str) -> (crate::dataset::Checked, crate::dataset::Quality) {
        let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        std::fs::write(file.path(), format!("id,group,text,annotator,topic\n{rows}")).unwrap();
        let choice = TaskChoice::Columns(vec![("topic".into(), TaskKind::Multi)]);
        let mut checked = Dataset::check(file.path(), &Columns::default(), &choice).unwrap();
        let quality = checked.quality();
        (checked, quality)
    }

    #[test]
    fn duplicates_are_faults_where_they_mislead() {
        let (checked, quality) = check(&format!(
            "1,g,{LONG},,a\n2,g,{LONG},,a\n3,g,{LONG},,b\n4,h,{LONG} quinze,,a\n5,h,tout autre chose,,\n"
        ));
        let messages: Vec<(u64, &str)> = checked
            .faults
            .iter()
            .map(|e| (e.line_number().unwrap(), e.message().split(" (").next().unwrap()))
            .collect();
        assert_eq!(
            messages,
            [(4, "one text with two label sets of task `topic`"), (5, "a near duplicate in another group")]
        );
        assert!(quality.advice.iter().any(|a| a.contains(":3: the same text as")), "{:?}", quality.advice);
    }

    #[test]
    fn a_text_is_what_a_model_reads_of_it() {
        let (checked, _) =
            check("1,g,un  été à lire,,a\n2,g,un e\u{301}te\u{301} a\u{300} lire,,b\n3,g,un ete à lire,,b\n");
        let lines: Vec<u64> = checked.faults.iter().map(|e| e.line_number().unwrap()).collect();
        assert_eq!(lines, [3], "{:?}", checked.faults);
    }

    #[test]
    fn rows_that_are_alike_are_reported_once_each() {
        // By turns, one text in two groups with two labels, and texts of which any two share 10 of 12 shingles.
        let rows: Vec<String> = (0..40)
            .map(|i| {
                let (group, label) = (["g", "h"][i % 2], ["a", "b"][i % 2]);
                format!("{i},{group},Merci beaucoup,,{label}\nx{i},{group},{LONG} mot{i},,a\n")
            })
            .collect();
        let (checked, quality) = check(&rows.concat());
        let count = |what: &str| checked.faults.iter().filter(|e| e.message().starts_with(what)).count();
        // Of 40 equal texts 20 have another label than the first, and 19 the same; 39 of the others follow one that they
        // are near to and that is in the other group.
        assert_eq!(count("one text with two label sets"), 20);
        assert_eq!(count("a near duplicate in another group"), 39);
        assert_eq!(quality.advice.len(), 19, "{:?}", quality.advice);
    }

    #[test]
    fn the_only_contradiction_of_a_text_is_found_wherever_it_stands() {
        let file = tempfile::Builder::new().suffix(".jsonl").tempfile().unwrap();
        let rows = [
            r#"{"group": "g", "text": "Merci", "topic": "a", "tone": null}"#,
            r#"{"group": "g", "text": "merci !", "topic": "a", "tone": "c"}"#,
            r#"{"group": "g", "text": "merci !", "topic": "a", "tone": "d"}"#,
            r#"{"group": "g", "text": "Merci", "topic": null, "tone": "c"}"#,
            r#"{"group": "h", "text": "Merci", "topic": "b", "tone": "c"}"#,
        ];
        std::fs::write(file.path(), rows.join("\n")).unwrap();
        let tasks = [("topic", TaskKind::Single), ("tone", TaskKind::Single)];
        let choice = TaskChoice::Columns(tasks.map(|(name, kind)| (name.into(), kind)).to_vec());
        let mut checked = Dataset::check(file.path(), &Columns::default(), &choice).unwrap();
        checked.quality();
        let faults: Vec<(u64, &str)> = checked.faults.iter().map(|e| (e.line_number().unwrap(), e.message())).collect();
        assert_eq!(faults.iter().map(|f| f.0).collect::<Vec<_>>(), [3, 5], "{faults:?}");
        assert!(faults[0].1.contains("task `tone` (found d;") && faults[0].1.ends_with(":2 has c)"), "{faults:?}");
        assert!(faults[1].1.contains("task `topic` (found b;") && faults[1].1.ends_with(":1 has a)"), "{faults:?}");
    }

    #[test]
    fn readings_are_counted_for_agreement_and_not_as_paragraphs() {
        let (checked, quality) =
            check("1,g,x,r1,a\n1,g,x,r2,a|b\n1,g,x,,a\n2,g,y,r1,\n2,g,y,r2,\n2,g,y,,\n3,g,z,r1,b\n");
        assert!(checked.faults.is_empty(), "{:?}", checked.faults);
        assert_eq!((quality.paragraphs, checked.dataset.readings.len()), (3, 4));
        let topic = &quality.tasks["topic"];
        // Label a: yes yes, no no: perfect. Label b: no yes, no no: one pair of two differs, 3 of 4 values are no.
        assert_eq!(topic.labels["a"].alpha, Some(1.0));
        assert!((topic.labels["b"].alpha.unwrap() - (1.0 - 3.0 * 2.0 / 6.0)).abs() < 1e-12);
        let pair = &topic.pairs[0];
        assert_eq!((pair.annotators.join(" "), pair.paragraphs), ("r1 r2".to_string(), 2));
        // Label b: r1 says no twice, r2 yes once: what agreement there is (1 of 2) is that of chance.
        assert_eq!((pair.labels["a"], pair.labels["b"]), (Some(1.0), Some(0.0)));
        assert_eq!((topic.without_label, topic.labels["b"].paragraphs), (Some(1), 1));
    }
}
