//! What is a paragraph of an article's own text, and what is page furniture around it.
//!
//! In: the decoded text of a page as scraped. Out: its paragraphs, in order, each once. The rules look at the form of a
//! line (how it ends, how long it is, how it begins), and at the fixed phrases that French news sites put around
//! articles; they know no site and no file by name.

use crate::text::{Document, Paragraph};
use std::collections::HashSet;
use std::ops::Range;

/// Raised whenever a rule changes, since a model was trained on paragraphs as cleaned then. Which characters count as blank
/// is no rule: where one that leaves no mark ended a line, the line was lost, and nothing was trained on it.
pub const CLEANER_VERSION: u32 = 1;

/// Finds the paragraphs of documents.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cleaner;

/// Under this many words, a line that does not end like a sentence is a title, a caption or a menu entry.
const LEAST_WORDS_UNFINISHED: usize = 25;
/// Up to this many words, a lone question or exclamation is a subhead.
const MOST_WORDS_SUBHEAD: usize = 12;
/// Up to this many words, a line that asks the reader to do something is a box of the site.
const MOST_WORDS_BOX: usize = 40;
/// Up to this many words, a line that begins like a date or an author's credit is one.
const MOST_WORDS_CREDIT: usize = 12;
/// Under this many words nothing is a paragraph.
const LEAST_WORDS: usize = 4;
/// Up to this many words, the part after or before a missing space can be a byline.
const MOST_WORDS_BYLINE: usize = 4;
/// A wrapped text has lines of about this many characters.
const WRAPPED_WIDTH: Range<usize> = 50..101;

/// Headings after which nothing of the article follows, compared without case and end punctuation.
const TAIL_HEADINGS: &[&str] = &[
    "recommandé pour vous",
    "articles recommandés",
    "articles similaires",
    "articles liés",
    "articles connexes",
    "plus d'articles",
    "autres articles",
    "nos derniers articles",
    "derniers articles",
    "dernières actualités",
    "dans la même rubrique",
    "dans la même catégorie",
    "vous aimerez aussi",
    "vous pourriez aussi aimer",
    "sur le même sujet",
    "sur le même thème",
    "à lire également",
    "à lire aussi",
    "à découvrir aussi",
    "les plus lus",
    "les plus populaires",
    "commentaires",
    "vos commentaires",
    "vos réactions",
    "laisser un commentaire",
    "laisser une réponse",
    "ajouter un commentaire",
    "poster un commentaire",
];

/// Beginnings of lines that say when and by whom a page was made, compared without case. A long line may begin so too:
/// "Publié lundi, le rapport…", "Écrit par un collectif…".
const CREDIT_STARTS: &[&str] = &[
    "publié le ",
    "publié à ",
    "mis à jour ",
    "mise à jour ",
    "modifié le ",
    "posté le ",
    "dernière modification",
    "fichier généré",
    "rédigé par ",
    "écrit par ",
    "traduit par ",
    "traduit de ",
    "avec notre correspondant",
];

/// Beginnings of lines about other pages and about pictures, compared without case.
const FURNITURE_STARTS: &[&str] = &[
    "temps de lecture",
    "lecture :",
    "propos recueillis par",
    "lire aussi",
    "lire également",
    "lire la suite",
    "à lire :",
    "à lire aussi",
    "à lire également",
    "voir aussi",
    "à voir aussi",
    "voir également",
    "écouter aussi",
    "regarder :",
    "pour aller plus loin",
    "pour en savoir plus",
    "crédit photo",
    "crédits photo",
    "crédit :",
    "crédits :",
    "crédit image",
    "légende image",
    "légende :",
    "légende photo",
    "copyright",
    "source image",
    "source de l'image",
    "photo :",
    "photos :",
    "image :",
    "illustration :",
    "vidéo :",
    "source :",
    "sources :",
    "tags :",
    "mots-clés",
    "mots clés",
    "©",
];

/// Fixed sentences of subscription boxes, forms and legal lines, compared without case, wherever they stand.
const FURNITURE_PHRASES: &[&str] = &[
    "newsletter",
    "infolettre",
    "lettre d'information",
    "adresse e-mail",
    "adresse email",
    "adresse électronique ne sera",
    "boîte mail",
    "champs obligatoires",
    "tous droits réservés",
    "droits de reproduction",
    "toute reproduction",
    "cookies",
    "conditions générales",
    "politique de confidentialité",
    "réservé aux abonnés",
    "réservée aux abonnés",
    "offre d'abonnement",
    "de cet article à lire",
    "la totalité de l'article",
    "la suite après cette publicité",
    "chaîne whatsapp",
    "canal whatsapp",
    "chaîne telegram",
];

/// Calls to the reader: at the start of a short line they mark a box of the site.
const CALLS: &[&str] = &[
    "abonnez-vous",
    "activez",
    "ajoutez",
    "cliquez",
    "connectez-vous",
    "consultez",
    "découvrez",
    "inscrivez-vous",
    "partagez",
    "recevez",
    "rejoignez",
    "retrouvez",
    "suivez",
    "téléchargez",
];

/// Section names that stand, with a dash, before the teaser of another article ("Afrique - A la demande de…").
const SECTIONS: &[&str] = &[
    "afrique",
    "amérique",
    "amériques",
    "asie",
    "culture",
    "économie",
    "environnement",
    "europe",
    "faits divers",
    "faits-divers",
    "france",
    "international",
    "justice",
    "moyen-orient",
    "monde",
    "politique",
    "santé",
    "sciences",
    "société",
    "sport",
    "sports",
    "technologie",
];

/// Words that begin sentences but no name: they keep "Selon RFI" from reading as an author.
const NOT_A_NAME: &[&str] = &[
    "selon", "pour", "avec", "dans", "d'après", "depuis", "le", "la", "les", "l'", "un", "une", "des", "au", "aux",
    "à", "en", "par", "sur", "et", "mais", "ce", "cette", "ces", "son", "sa", "ses", "chez", "contre", "entre", "sans",
];

impl Cleaner {
    /// The paragraphs of a document, each once, in order, with byte offsets into its text.
    ///
    /// A row of a table is one paragraph, taken as it is.
    pub fn paragraphs(&self, document: &Document) -> Vec<Paragraph> {
        let text = document.text.as_str();
        if document.cells.is_some() {
            return vec![Paragraph { text: text.to_string(), start: 0, end: text.len() }];
        }
        let mut kept: Vec<Paragraph> = Vec::new();
        let mut seen: HashSet<String> = HashSet::new();
        for block in blocks(text) {
            if !kept.is_empty() && is_tail_heading(&text[block.clone()]) {
                break;
            }
            let block = without_glued_bylines(text, block);
            let paragraph = Paragraph::of(text, block.start, block.end);
            if is_own_text(&paragraph.text) && seen.insert(letters_and_digits(&paragraph.text)) {
                kept.push(paragraph);
            }
        }
        kept
    }
}

/// Byte ranges of the page's blocks without outer white space: lines, or runs of lines that were wrapped to a width.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut run: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive(['\n', '\r', '\u{2028}', '\u{2029}']) {
        let trimmed = line.trim_matches(is_blank);
        if line == "\n" && text[..start].ends_with('\r') {
            // The second half of one line end.
        } else if trimmed.is_empty() {
            blocks.extend(unwrapped(text, std::mem::take(&mut run)));
        } else {
            let at = start + (trimmed.as_ptr() as usize - line.as_ptr() as usize);
            run.push(at..at + trimmed.len());
        }
        start += line.len();
    }
    blocks.extend(unwrapped(text, run));
    blocks
}

/// Whether a character leaves no mark on a page. A sentence ends before it.
fn is_blank(c: char) -> bool {
    let joins_or_steers =
        matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}');
    c.is_whitespace() || c.is_control() || joins_or_steers || c == '\u{feff}'
}

/// Joins a run of lines into one block if they look wrapped: all but the last of about one width, and at least one
/// broken in mid-sentence. Otherwise each line is a block.
fn unwrapped(text: &str, mut run: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let Some((last, body)) = run.split_last() else { return run };
    let widths = body.iter().map(|r| text[r.clone()].chars().count());
    let (least, most) = widths.fold((usize::MAX, 0), |(lo, hi), w| (lo.min(w), hi.max(w)));
    let one_width = WRAPPED_WIDTH.contains(&least) && WRAPPED_WIDTH.contains(&most) && most - least <= 25;
    let fits = text[last.clone()].chars().count() <= most;
    let broken = run
        .windows(2)
        .any(|pair| !ends_a_sentence(&text[pair[0].clone()]) && text[pair[1].clone()].starts_with(char::is_lowercase));
    if one_width && fits && broken {
        run[0].end = last.end;
        run.truncate(1);
    }
    run
}

/// Cuts an author's name off a block to which the page has glued it without a space: before the first sentence
/// ("Awa DIARRALe ministre…") or after the last one ("…la frontière.Awa Diarra").
fn without_glued_bylines(text: &str, mut block: Range<usize>) -> Range<usize> {
    let line = &text[block.clone()];
    if let Some(cut) = byline_before(line) {
        block.start += cut;
    }
    let line = &text[block.clone()];
    if let Some(cut) = byline_after(line) {
        block.end = block.start + cut;
    }
    block
}

fn byline_before(line: &str) -> Option<usize> {
    let mut at = 0;
    for (words, word) in line.split_inclusive(' ').take(MOST_WORDS_BYLINE).enumerate() {
        let name = word.trim_end();
        // A run of capitals that goes on in lower case: its last capital begins the sentence.
        let capitals = name.char_indices().take_while(|(_, c)| c.is_uppercase() || *c == '-').collect::<Vec<_>>();
        let glued = capitals.len() >= 4 && name[..].chars().nth(capitals.len()).is_some_and(char::is_lowercase);
        if glued && words > 0 {
            return Some(at + capitals[capitals.len() - 1].0);
        }
        if !is_name_part(name) {
            return None;
        }
        at += word.len();
    }
    None
}

fn byline_after(line: &str) -> Option<usize> {
    for (i, mark) in line.char_indices().rev() {
        if !matches!(mark, '.' | '!' | '?' | '»' | '…') {
            continue;
        }
        let cut = i + mark.len_utf8();
        let name = &line[cut..];
        let words: Vec<&str> = name.split(' ').collect();
        let is_name = (2..=MOST_WORDS_BYLINE).contains(&words.len()) && words.iter().all(|w| is_name_part(w));
        return (is_name && i > 0).then_some(cut);
    }
    None
}

fn is_name_part(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
        && word.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '.' | '\'' | '’'))
        && !NOT_A_NAME.contains(&word.to_lowercase().as_str())
}

/// Whether a line is a paragraph of the article rather than a title, caption, byline, menu entry, advert or teaser.
fn is_own_text(line: &str) -> bool {
    let plain = line.to_lowercase().replace(['’', 'ʼ'], "'").replace(['\u{a0}', '\u{202f}'], " ");
    let words = line.split(' ').filter(|w| w.chars().any(char::is_alphanumeric)).count();
    let begins = |starts: &[&str]| starts.iter().any(|start| plain.starts_with(start));
    if words < LEAST_WORDS || begins(FURNITURE_STARTS) || (words <= MOST_WORDS_CREDIT && begins(CREDIT_STARTS)) {
        return false;
    }
    if words <= MOST_WORDS_BOX
        && (CALLS.iter().any(|c| starts_with_word(&plain, c)) || FURNITURE_PHRASES.iter().any(|p| plain.contains(p)))
    {
        return false;
    }
    if is_caption(line) || is_byline(line) || is_teaser(&plain) {
        return false;
    }
    if ends_a_sentence(line) {
        let asks = line.trim_end_matches(closing).ends_with(['?', '!']);
        let spoken = line.starts_with(['«', '"', '“', '—', '–', '-']);
        return !(asks && !spoken && words <= MOST_WORDS_SUBHEAD);
    }
    // A paragraph may introduce a list, lose its full stop, or be one long quotation.
    let introduces = line.ends_with(':') && words > MOST_WORDS_SUBHEAD;
    let quotation = line.starts_with(['«', '“', '"']) && line.ends_with(['»', '”', '"']) && words > MOST_WORDS_SUBHEAD;
    introduces || quotation || words >= LEAST_WORDS_UNFINISHED
}

fn starts_with_word(line: &str, word: &str) -> bool {
    line.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

fn is_tail_heading(line: &str) -> bool {
    let plain = line.to_lowercase().replace('’', "'");
    let plain = plain
        .trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '.' | '…' | '!' | '(' | ')' | '0'..='9'));
    TAIL_HEADINGS.contains(&plain)
}

/// A caption ends in its picture's credit, or holds one and no sentence after it.
fn is_caption(line: &str) -> bool {
    let Some(at) = line.rfind(['©', '®']) else {
        return ["/AFP", "/ AFP", "/REUTERS", "/Reuters", "/AP", "/SIPA", "Getty Images", "via Getty"]
            .iter()
            .any(|credit| line.trim_end_matches(['.', ')']).ends_with(credit));
    };
    !ends_a_sentence(line) || line[at..].split(' ').count() <= 10
}

/// A line about who wrote: "Par …", initials, or nothing but capitalised words.
fn is_byline(line: &str) -> bool {
    let words: Vec<&str> = line.trim_end_matches('.').split(' ').collect();
    let capitalised = |w: &&str| w.starts_with(char::is_uppercase) || matches!(*w, "de" | "et" | "à" | "avec" | "pour");
    let opens = line.starts_with("Par ") || line.starts_with("Avec ") || line.starts_with('(') && line.ends_with(')');
    (words.len() <= 10 && words.iter().all(capitalised))
        || (opens && words.len() <= 10 && words[1..].iter().all(capitalised))
}

fn is_teaser(plain: &str) -> bool {
    SECTIONS.iter().any(|section| {
        plain.strip_prefix(section).is_some_and(|rest| {
            rest.trim_start().strip_prefix(['-', '–', '—', '|']).is_some_and(|teaser| !teaser.trim().is_empty())
        })
    })
}

fn closing(c: char) -> bool {
    c.is_whitespace() || matches!(c, '»' | '"' | '”' | '’' | '\'' | ')' | ']')
}

fn ends_a_sentence(line: &str) -> bool {
    line.trim_end_matches(closing).ends_with(['.', '!', '?', '…'])
}

/// The key under which a repeated paragraph is recognised: its letters and digits in lower case.
fn letters_and_digits(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paragraphs(text: &str) -> Vec<String> {
        let document =
            Document { id: "page.txt".into(), text: text.into(), place: ("page.txt".into(), None), cells: None };
        Cleaner.paragraphs(&document).into_iter().map(|p| p.text).collect()
    }

    const OWN: &str = "Le ministre a présenté mardi le budget de son département devant les députés.";

    #[test]
    fn furniture_goes_and_the_article_stays() {
        for line in [
            "Menu",
            "Budget : le ministre devant les députés",
            "Que prévoit vraiment le budget ?",
            "Publié le 3 mai 2024 à 10h12. Lecture : 2 minutes.",
            "Par Awa Diarra",
            "Awa D.",
            "(avec AFP)",
            "la suite après cette publicité",
            "Le ministre à son arrivée au Parlement, le 3 mai 2024. © AFP / AWA DIARRA",
            "Légende image, Le ministre à son arrivée au Parlement mardi matin.",
            "Lire aussi : pourquoi le budget fâche-t-il les maires ?",
            "Inscrivez-vous à notre newsletter pour recevoir chaque matin le meilleur de l'actualité.",
            "Afrique - Le Parlement a adopté le texte par 92 voix contre 40.",
            "Votre adresse e-mail ne sera pas publiée. Les champs obligatoires sont indiqués avec *",
            "A A A A A",
        ] {
            assert_eq!(paragraphs(&format!("{line}\n{OWN}\n{line}\n")), [OWN], "{line:?}");
        }
    }

    #[test]
    fn any_line_end_parts_and_what_leaves_no_mark_ends_no_line() {
        let other = "Les députés ont voté le texte jeudi soir après deux jours de débats au Parlement.";
        for end in ["\n", "\r\n", "\r", "\u{2028}", "\u{2029}"] {
            assert_eq!(paragraphs(&[OWN, other, ""].join(end)), [OWN, other], "{end:?}");
        }
        for end in ["\u{200b}", "\u{200e}", "\u{ad}", "\u{2060}", "\0"] {
            assert_eq!(paragraphs(&format!("{OWN}{end}\n{end}{other}{end}")), [OWN, other], "{end:?}");
        }
    }

    #[test]
    fn short_sentences_quotations_and_introductions_stay() {
        for line in [
            "Le bilan est lourd.",
            "« Nous n'avons rien vu venir. »",
            "Publié lundi, le rapport de la mission accuse la police d'avoir tiré sans sommation sur la foule.",
            "Écrit par un collectif d'historiens, le livre raconte en douze chapitres les deux siècles du port.",
            "Partager le pouvoir ne va pas de soi.",
            "« Que voulez-vous que je fasse ? »",
            "— Où étiez-vous cette nuit-là ?",
            "Le texte voté dans la soirée après onze heures de débat prévoit trois mesures nouvelles :",
            "BAMAKO - Le Parlement a adopté le texte par 92 voix contre 40.",
        ] {
            assert_eq!(paragraphs(line), [line]);
        }
    }

    #[test]
    fn what_follows_the_article_is_left_out_but_not_an_article_that_follows_a_menu() {
        let box_first = format!(
            "Les plus lus\nUn titre\n{OWN}\nRecommandé pour vous\nUn titre\nUne autre phrase bien finie ici.\n"
        );
        assert_eq!(paragraphs(&box_first), [OWN]);
    }

    #[test]
    fn glued_bylines_are_cut_off() {
        assert_eq!(paragraphs(&format!("Awa DIARRA{OWN}")), [OWN]);
        assert_eq!(paragraphs(&format!("{OWN}Awa Diarra")), [OWN]);
        let agency = "Selon RFIAfrique, le budget sera présenté mardi aux députés.";
        assert_eq!(paragraphs(agency), [agency]);
    }

    #[test]
    fn wrapped_lines_are_one_paragraph_and_separate_lines_are_not() {
        let wrapped = "Le ministre des finances a présenté mardi devant les députés le\n\
                       budget de son département, en hausse de trois pour cent, et a\n\
                       promis de ne pas toucher aux salaires.\n\n\
                       La séance a duré onze heures, ce qui est rare dans ce Parlement.\n";
        assert_eq!(paragraphs(wrapped).len(), 2);
        assert_eq!(
            paragraphs(&format!("{OWN}\nLa séance a duré onze heures, dans une salle comble et agitée.\n")).len(),
            2
        );
    }

    #[test]
    fn a_repeated_paragraph_is_kept_once() {
        let again = OWN.replace(' ', "  ").to_uppercase();
        assert_eq!(paragraphs(&format!("{OWN}\n{again}\n")), [OWN]);
    }

    proptest! {
        #[test]
        fn offsets_slice_back_whatever_the_page(text in "(?s)[ a-zA-ZéÉœ’'.!?»«\u{a0}\u{feff}\n\r©:-]{0,400}") {
            let document = Document { id: String::new(), text: text.clone(), place: ("".into(), None), cells: None };
            let mut last = 0;
            for p in Cleaner.paragraphs(&document) {
                prop_assert!(p.start >= last && p.start < p.end);
                last = p.end;
                prop_assert_eq!(text[p.start..p.end].split_whitespace().collect::<Vec<_>>().join(" "), p.text);
            }
        }
    }
}
