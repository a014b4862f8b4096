use rubrique::text::*;
fn main() {
    for s in Source::expand("seeds", Format::Article).unwrap() {
        for d in s.documents(&Columns::default()).unwrap() {
            let d = d.unwrap();
            println!("== {}", d.id);
            for p in Cleaner.paragraphs(&d) {
                println!("{}-{} {}", p.start, p.end, p.text);
            }
        }
    }
}
