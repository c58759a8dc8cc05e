fn main() -> Result<(), Box<dyn std::error::Error>> {
    for dir in std::env::args().skip(1) {
        let session = fencelab_trace::Session::open(dir.as_ref())?;
        let a = fencelab_fences::analyse(&session, Default::default(), &fencelab_fences::graph::Nobody)?;
        println!("==== {dir}: {} calls, gaps {:?}", a.calls, a.gaps);
        for f in &a.findings {
            println!(
                "{}: {}\n   unless {:?} culprit {} since {} seen {} ended {:?}",
                f.heading(),
                f.sentence,
                f.unless,
                f.culprit,
                f.since_ns,
                f.seen_ns,
                f.ended
            );
            for s in &f.stuck {
                println!("   stuck {s:?}");
            }
            for c in &f.calls {
                println!("   call {} {}", c.tid, c.text);
            }
        }
    }
    Ok(())
}
