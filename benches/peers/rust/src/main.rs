//! CPU seconds from text to rows, or only to tokens, of other crates and of the plain way, for `featurizer.py`.
//!
//! `cargo run --release -- FOLDER` reads the texts to learn from (`training.txt`) and the corpora, one paragraph a line. Then
//! it answers each line of its input, a tool, a corpus and the number of a slice of it with tabs between, with the speed in
//! MiB a CPU second on one thread. What a tool finds in a slice is counted in another way, too.

use cpu_time::ProcessTime;
use linfa_preprocessing::tf_idf_vectorization::TfIdfVectorizer;
use ndarray::ArrayView1;
use rust_stemmers::{Algorithm, Stemmer};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::rc::Rc;
use tantivy::tokenizer::{Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, TextAnalyzer};
use tokenizers::models::wordlevel::{WordLevel, WordLevelTrainer};
use tokenizers::normalizers::utils::Lowercase;
use tokenizers::pre_tokenizers::whitespace::Whitespace;
use tokenizers::{AddedToken, DecoderWrapper, PostProcessorWrapper, TokenizerImpl};

const CORPORA: [&str; 4] = ["known", "unknown-2", "unknown-10", "typographic"];
/// A corpus has so many slices, as in `benches/featurizer.rs`.
const SLICES: usize = 9;
/// So many paragraphs of a slice are read; a speed does not depend on how many.
const PARAGRAPHS: usize = 900;

/// Counts the terms or tokens of a paragraph: as the tool finds them, and in another way.
struct Tool<'a> {
    found: Box<dyn FnMut(&[&str]) -> usize + 'a>,
    expected: Box<dyn Fn(&str) -> usize + 'a>,
}

fn main() {
    let folder = std::env::args().nth(1).expect("a folder");
    let read = |name: &str| std::fs::read_to_string(Path::new(&folder).join(name)).expect("the folder holds the texts");
    let training = read("training.txt");
    let training: Vec<&str> = training.lines().collect();
    let texts = CORPORA.map(|name| read(&format!("{name}.txt")));
    let corpora: HashMap<&str, Vec<&str>> =
        CORPORA.into_iter().zip(&texts).map(|(name, text)| (name, text.lines().collect())).collect();
    let mut tools = HashMap::from([
        ("linfa-preprocessing, words", linfa(&training, 1)),
        ("linfa-preprocessing, words and pairs", linfa(&training, 2)),
        ("plain Rust, words", plain(&training, 1)),
        ("plain Rust, words and pairs", plain(&training, 2)),
        ("tantivy, tokens", tantivy()),
        ("tokenizers, tokens", word_level(&training)),
    ]);
    for line in std::io::stdin().lines() {
        let line = line.expect("readable");
        let request: Vec<&str> = line.split('\t').collect();
        let &[tool, corpus, slice] = &request[..] else { panic!("a tool, a corpus and a number: {line}") };
        let lines = &corpora[corpus];
        let slice: usize = slice.parse().expect("a number");
        let slice = lines.chunks(lines.len().div_ceil(SLICES)).nth(slice).expect("a slice");
        let slice = &slice[..PARAGRAPHS.min(slice.len())];
        let Tool { found, expected } = tools.get_mut(tool).expect("a tool");
        let start = ProcessTime::now();
        let found = found(slice);
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(found, slice.iter().map(|line| expected(line)).sum::<usize>(), "{tool}, {corpus}");
        let bytes = slice.iter().map(|line| line.len() + 1).sum::<usize>();
        println!("{}", bytes as f64 / seconds / f64::from(1 << 20));
    }
}

/// What `\w` of a regular expression is in French text.
fn in_word(c: char) -> bool {
    c.is_alphabetic() || c.is_ascii_digit() || c == '_'
}

/// How many different known words there are, with `most` = 2 pairs of words too.
fn distinct<W: AsRef<str>>(words: &[W], most: usize, known: impl Fn(&str) -> bool) -> usize {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let terms = (1..=most).flat_map(|n| words.windows(n).map(|terms| terms.join(" ")));
    terms.filter(|term| known(term)).collect::<HashSet<String>>().len()
}

/// Words as written, or with pairs of them: no stems.
fn linfa<'a>(training: &[&str], most: usize) -> Tool<'a> {
    let params = TfIdfVectorizer::default().normalize(false).n_gram_range(1, most);
    let fitted = params.fit(&ArrayView1::from(training)).expect("learns");
    let vocabulary: HashSet<String> = fitted.vocabulary().iter().cloned().collect();
    let expected = move |line: &str| {
        let text = line.to_lowercase();
        let words: Vec<&str> = text.split(|c| !in_word(c)).filter(|word| word.chars().count() > 1).collect();
        distinct(&words, most, |term| vocabulary.contains(term))
    };
    let found = move |slice: &[&str]| fitted.transform(&ArrayView1::from(slice)).expect("rows").nnz();
    Tool { found: Box::new(found), expected: Box::new(expected) }
}

/// Lower case, split at what is no letter, rust-stemmers, hash tables of the standard library.
fn plain<'a>(training: &[&str], most: usize) -> Tool<'a> {
    let for_each_term = move |text: &str, emit: &mut dyn FnMut(&str)| {
        let stemmer = Stemmer::create(Algorithm::French);
        let mut pair = String::new();
        for word in text.to_lowercase().split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
            let stem = stemmer.stem(word);
            emit(&stem);
            if most == 2 {
                if !pair.is_empty() {
                    pair.push(' ');
                    pair.push_str(&stem);
                    emit(&pair);
                    pair.clear();
                }
                pair.push_str(&stem);
            }
        }
    };
    let mut df: HashMap<String, usize> = HashMap::new();
    for text in training {
        let mut terms = HashSet::new();
        for_each_term(text, &mut |term| {
            terms.insert(term.to_string());
        });
        terms.into_iter().for_each(|term| *df.entry(term).or_default() += 1);
    }
    let texts = training.len() as f64;
    let idf = |df: usize| ((1.0 + texts) / (1.0 + df as f64)).ln() + 1.0;
    let vocabulary: HashMap<String, (usize, f64)> =
        df.into_iter().enumerate().map(|(column, (term, df))| (term, (column, idf(df)))).collect();
    let vocabulary = Rc::new(vocabulary);
    let known = Rc::clone(&vocabulary);
    let row = move |text: &str| {
        let mut counts: HashMap<usize, (f64, f64)> = HashMap::new();
        for_each_term(text, &mut |term| {
            if let Some(&(column, idf)) = known.get(term) {
                counts.entry(column).or_insert((0.0, idf)).0 += 1.0;
            }
        });
        let weigh = |(column, (tf, idf)): (usize, (f64, f64))| (column, (1.0 + tf.ln()) * idf);
        let mut row: Vec<(usize, f64)> = counts.into_iter().map(weigh).collect();
        row.sort_unstable_by_key(|&(column, _)| column);
        let norm = row.iter().map(|(_, value)| value * value).sum::<f64>().sqrt();
        row.iter_mut().for_each(|(_, value)| *value /= norm);
        row
    };
    let length = row(training[0]).iter().map(|(_, value)| value * value).sum::<f64>();
    assert!((length - 1.0).abs() < 1e-12);
    let expected = move |line: &str| {
        let stemmer = Stemmer::create(Algorithm::French);
        let text = line.to_lowercase();
        let words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
        let stems: Vec<_> = words.map(|word| stemmer.stem(word)).collect();
        distinct(&stems, most, |term| vocabulary.contains_key(term))
    };
    let found = move |slice: &[&str]| slice.iter().map(|line| row(line).len()).sum();
    Tool { found: Box::new(found), expected: Box::new(expected) }
}

/// Its analyzer of English with French stems.
fn tantivy<'a>() -> Tool<'a> {
    let mut analyzer = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(40))
        .filter(LowerCaser)
        .filter(tantivy::tokenizer::Stemmer::new(Language::French))
        .build();
    let mut count = move |line: &str| {
        let mut tokens = 0;
        analyzer.token_stream(line).process(&mut |_| tokens += 1);
        tokens
    };
    let expected =
        |line: &str| line.split(|c: char| !c.is_alphanumeric()).filter(|word| (1..40).contains(&word.len())).count();
    let found = move |slice: &[&str]| slice.iter().map(|line| count(line)).sum();
    Tool { found: Box::new(found), expected: Box::new(expected) }
}

/// Words and runs of other signs in lower case to the numbers of a learnt vocabulary.
fn word_level<'a>(training: &[&str]) -> Tool<'a> {
    let mut tokenizer: TokenizerImpl<WordLevel, Lowercase, Whitespace, PostProcessorWrapper, DecoderWrapper> =
        TokenizerImpl::new(WordLevel::default());
    tokenizer.with_normalizer(Some(Lowercase)).expect("sets").with_pre_tokenizer(Some(Whitespace));
    let mut trainer = WordLevelTrainer::builder()
        .vocab_size(usize::MAX)
        .show_progress(false)
        .special_tokens(vec![AddedToken::from("<unk>", true)])
        .build()
        .expect("a trainer");
    tokenizer.train(&mut trainer, training.iter()).expect("learns");
    let count = move |line: &&str| tokenizer.encode_fast(*line, false).expect("tokens").len();
    let expected = |line: &str| {
        let pieces = line.split_whitespace().map(|piece| piece.chars().collect::<Vec<char>>());
        pieces.map(|piece| piece.chunk_by(|&a, &b| in_word(a) == in_word(b)).count()).sum()
    };
    let found = move |slice: &[&str]| slice.iter().map(&count).sum();
    Tool { found: Box::new(found), expected: Box::new(expected) }
}
