//! Backtraces and banners of other architectures and of older kernels. The lines are synthetic, written from the format
//! strings of arch/*/kernel and of kernel/locking/lockdep.c through the years.

use fencelab_klog::{Kind, Options, Report, parse_log};

fn report(log: &str) -> Report {
    let mut reports =
        parse_log(log.as_bytes(), Options::default()).into_iter().filter_map(|event| event.into_report());
    let report = reports.next().expect("a report");
    assert_eq!(reports.next().map(|report| report.title), None, "one report only\n{log}");
    report
}

/// A sleeping-function report whose backtrace is given.
fn sleeping(trace: &str) -> Report {
    report(&format!(
        "BUG: sleeping function called from invalid context at kernel/foo.c:12\n\
         in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 7, name: test\n\
         CPU: 0 PID: 7 Comm: test Not tainted 6.1.0 #1\n{trace}\n"
    ))
}

#[test]
fn every_architecture_has_its_own_backtrace() {
    for (name, trace) in [
        (
            "arm64",
            "Call trace:\n dump_backtrace+0x0/0x1b8\n foo_wait+0x10/0x20 [foo]\n foo_ioctl+0x10/0x20 [foo]",
        ),
        (
            "arm64 since 6.13",
            "Call trace:\n show_stack+0x18/0x24 (C)\n foo_wait+0x10/0x20 [foo] (P)\n foo_ioctl+0x10/0x20 [foo]",
        ),
        (
            "arm",
            "[<c0110f0c>] (unwind_backtrace) from [<c010ad38>] (show_stack+0x10/0x14)\n\
             [<c010ad38>] (show_stack) from [<bf001234>] (foo_wait+0x10/0x20 [foo])\n\
             [<bf001234>] (foo_wait [foo]) from [<bf005678>] (foo_ioctl+0x10/0x20 [foo])",
        ),
        (
            "arm since 5.11",
            " unwind_backtrace from show_stack+0x10/0x14\n show_stack from foo_wait+0x10/0x20 [foo]\n foo_wait [foo] from foo_ioctl+0x10/0x20 [foo]",
        ),
        (
            "powerpc",
            "Call Trace:\n[c000000002d3f8a0] [c000000000f5a1b4] dump_stack_lvl+0x74/0xa8 (unreliable)\n\
             [c000000002d3f8d0] [c008000000f51234] foo_wait+0x10/0x20 [foo]\n\
             [c000000002d3f8d0] [c008000000f55678] foo_ioctl+0x10/0x20 [foo]\n\
             --- interrupt: c00 at 0x7fff9c5a1b44",
        ),
        (
            "s390",
            "Call Trace:\n [<0000000000112f6a>] show_stack+0x8a/0xd0 \n [<000003ff80112f6a>] foo_wait+0x10/0x20 [foo] \n\
             ([<000003ff80112f6b>] foo_ioctl+0x10/0x20 [foo])\n",
        ),
        (
            "mips",
            "Call Trace:\n[<ffffffff80108a54>] show_stack+0x54/0x88\n[<c0008a54>] foo_wait+0x10/0x20 [foo]\n[<c0008b54>] foo_ioctl+0x10/0x20 [foo]\n",
        ),
        (
            "riscv",
            "Call Trace:\n[<ffffffff800057a4>] dump_backtrace+0x1c/0x24\n[<ffffffff027057a4>] foo_wait+0x10/0x20 [foo]\n[<ffffffff027067a4>] foo_ioctl+0x10/0x20 [foo]",
        ),
        (
            "sparc",
            "Call Trace:\n [000000000045fa20] dump_stack+0x8/0x18\n [0000000010045a20] foo_wait+0x10/0x20 [foo]\n [0000000010045b20] foo_ioctl+0x10/0x20 [foo]",
        ),
        (
            "m68k",
            "Call Trace: [<0002f9ac>] dump_stack+0xc/0x10\n [<1002f9ac>] foo_wait+0x10/0x20 [foo]\n [<1002fabc>] foo_ioctl+0x10/0x20 [foo]",
        ),
        (
            "alpha",
            "Trace:\n[<fffffc0000310a20>] dump_stack+0x8/0x18\n[<fffffc0010310a20>] foo_wait+0x10/0x20 [foo]\n[<fffffc0010310b20>] foo_ioctl+0x10/0x20 [foo]",
        ),
        (
            "arc",
            "\nStack Trace:\n  arc_unwind_core+0xd4/0x100\n  foo_wait+0x10/0x20 [foo]\n  foo_ioctl+0x10/0x20 [foo]",
        ),
        (
            "x86 before 4.10",
            "Call Trace:\n [<ffffffff81401234>] dump_stack+0x4d/0x63\n [<ffffffffa0001234>] foo_wait+0x10/0x20 [foo]\n [<ffffffffa0005678>] foo_ioctl+0x10/0x20 [foo]",
        ),
        (
            "x86, symbolised",
            "Call Trace:\n <TASK>\n dump_stack_lvl (lib/dump_stack.c:108)\n foo_wait (drivers/foo.c:12 (discriminator 2)) foo\n foo_ioctl (drivers/foo.c:30) foo\n </TASK>",
        ),
    ] {
        let report = sleeping(trace);
        let functions: Vec<&str> = report.frames.iter().map(|frame| frame.function.as_str()).collect();
        assert!(functions.ends_with(&["foo_wait", "foo_ioctl"]), "{name}: {functions:?}");
        let blame = report.blame.as_ref().map(|frame| (frame.function.as_str(), frame.module.as_deref()));
        assert_eq!(blame, Some(("foo_wait", Some("foo"))), "{name}");
        assert!(report.complete, "{name}: {:?}", report.missing);
    }
}

#[test]
fn lockdep_of_old_kernels() {
    let report = report(
        "=======================================================\n\
         [ INFO: possible circular locking dependency detected ]\n\
         2.6.38 #1\n\
         -------------------------------------------------------\n\
         test/7 is trying to acquire lock:\n \
          (&a->lock){+.+...}, at: [<ffffffffa0001234>] foo_two+0x10/0x20 [foo]\n\n\
         but task is already holding lock:\n \
          (reservation_ww_class_mutex){+.+.+.}, at: [<ffffffffa0001234>] foo_one+0x10/0x20 [foo]\n\n\
         which lock already depends on the new lock.\n\n\n\
         the existing dependency chain (in reverse order) is:\n\n\
         -> #1 (reservation_ww_class_mutex){+.+.+.}:\n       \
                [<ffffffff81081234>] lock_acquire+0x90/0x130\n       \
                [<ffffffffa0001234>] foo_three+0x10/0x20 [foo]\n\n\
         -> #0 (&a->lock){+.+...}:\n       \
                [<ffffffff81081234>] __lock_acquire+0x1390/0x1b30\n       \
                [<ffffffffa0001234>] foo_two+0x10/0x20 [foo]\n\n\
         other info that might help us debug this:\n\n\
         1 lock held by test/7:\n \
          #0:  (reservation_ww_class_mutex){+.+.+.}, at: [<ffffffffa0001234>] foo_one+0x10/0x20 [foo]\n\n\
         stack backtrace:\n\
         Pid: 7, comm: test Tainted: G        W   2.6.38 #1\n\
         Call Trace:\n \
          [<ffffffff8107f123>] print_circular_bug+0xb3/0xc0\n \
          [<ffffffffa0001234>] foo_two+0x10/0x20 [foo]\n",
    );
    assert_eq!((report.kind, &report.missing[..]), (Kind::Circular, &[][..]));
    assert_eq!(report.signature, "k3:circular:&a->lock > reservation_ww_class_mutex");
    assert_eq!(report.kernel.as_deref(), Some("2.6.38"));
    assert_eq!(report.frames.len(), 2);
}

#[test]
fn oopses_of_every_architecture() {
    for (name, lines, function) in [
        (
            "arm64",
            "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010\nMem abort info:\n  ESR = 0x0000000096000004\n\
             Internal error: Oops: 0000000096000004 [#1] PREEMPT SMP\nModules linked in: foo\nCPU: 0 PID: 7 Comm: test Not tainted 6.1.0 #1\n\
             pc : foo_wait+0x10/0x20 [foo]\nlr : foo_ioctl+0x10/0x20 [foo]\nCall trace:\n foo_wait+0x10/0x20 [foo]\n foo_ioctl+0x10/0x20 [foo]\nCode: aa0003f4\n---[ end trace 0000000000000000 ]---",
            "foo_wait",
        ),
        (
            "riscv",
            "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010\nOops [#1]\nModules linked in: foo\n\
             CPU: 0 UID: 0 PID: 7 Comm: test Not tainted 6.12.0 #1\nHardware name: riscv-virtio,qemu (DT)\nepc : foo_wait+0x10/0x20 [foo]\n ra : foo_ioctl+0x10/0x20 [foo]\n\
             epc : ffffffff01d0a010 ra : ffffffff01d0a030 sp : ff20000000a0bd40\n gp : ffffffff81711a18 tp : ff60000002f1e900 t0 : 0000000000000000\n\
             status: 0000000200000120 badaddr: 0000000000000010 cause: 000000000000000d\n[<ffffffff01d0a010>] foo_wait+0x10/0x20 [foo]\n\
             [<ffffffff01d0a030>] foo_ioctl+0x10/0x20 [foo]\nCode: 0000 0000\n---[ end trace 0000000000000000 ]---",
            "foo_wait",
        ),
        (
            "powerpc",
            "BUG: Kernel NULL pointer dereference on read at 0x00000010\nFaulting instruction address: 0xc008000000f51234\nOops: Kernel access of bad area, sig: 11 [#1]\n\
             LE PAGE_SIZE=64K MMU=Radix SMP NR_CPUS=2048 NUMA pSeries\nCPU: 0 PID: 7 Comm: test Not tainted 6.1.0 #1\nNIP:  c008000000f51234 LR: c008000000f55678 CTR: 0\n\
             NIP [c008000000f51234] foo_wait+0x10/0x20 [foo]\nLR [c008000000f55678] foo_ioctl+0x10/0x20 [foo]\nCall Trace:\n\
             [c000000002d3f8d0] [c008000000f55678] foo_ioctl+0x10/0x20 [foo]\n---[ end trace 0000000000000000 ]---",
            "foo_wait",
        ),
        (
            "mips",
            "CPU 0 Unable to handle kernel paging request at virtual address 00000010, epc == c0008a54, ra == c0008b54\nOops[#1]:\nCPU: 0 PID: 7 Comm: test Not tainted 6.1.0 #1\n\
             epc   : c0008a54 foo_wait+0x10/0x20 [foo]\nra    : c0008b54 foo_ioctl+0x10/0x20 [foo]\nProcess test (pid: 7, threadinfo=1, task=2, tls=3)\n\
             Call Trace:\n[<c0008a54>] foo_wait+0x10/0x20 [foo]\n[<c0008b54>] foo_ioctl+0x10/0x20 [foo]\n\nCode: 0\n---[ end trace 0000000000000000 ]---",
            "foo_wait",
        ),
        (
            "s390",
            "illegal operation: 0001 ilc:1 [#1] SMP \nModules linked in: foo\nCPU: 0 PID: 7 Comm: test Not tainted 6.1.0 #1\n\
             Krnl PSW : 0704c00180000000 000003ff80112f6a (foo_wait+0x10/0x20 [foo])\nCall Trace:\n [<000003ff80112f6a>] foo_wait+0x10/0x20 [foo] \n\
             ([<000003ff80112f6b>] foo_ioctl+0x10/0x20 [foo])\nLast Breaking-Event-Address:\n [<000003ff80112f6b>] foo_ioctl+0x10/0x20 [foo]\n---[ end trace 0000000000000000 ]---",
            "foo_wait",
        ),
        (
            "x86-32",
            "BUG: unable to handle kernel NULL pointer dereference at 00000010\nIP: [<f8001234>] foo_wait+0x10/0x20 [foo]\n*pde = 00000000 \nOops: 0000 [#1] PREEMPT SMP \n\
             CPU: 0 PID: 7 Comm: test Not tainted 4.4.0 #1\ntask: f5a0 ti: f5b0 task.ti: f5b0\nEIP: 0060:[<f8001234>] EFLAGS: 00010246 CPU: 0\nEIP is at foo_wait+0x10/0x20 [foo]\n\
             EAX: 00000000 EBX: f5a0 ECX: 0 EDX: 0\nCall Trace:\n [<f8005678>] ? foo_poll+0x10/0x20 [foo]\n [<f8005678>] foo_ioctl+0x10/0x20 [foo]\n---[ end trace 0 ]---",
            "foo_wait",
        ),
    ] {
        let report = report(lines);
        assert_eq!(report.kind, Kind::Oops, "{name}");
        assert_eq!(report.task.as_ref().map(ToString::to_string).as_deref(), Some("test/7"), "{name}");
        assert_eq!(
            report.blame.as_ref().map(|frame| frame.function.as_str()),
            Some(function),
            "{name}: {:?}",
            report.frames
        );
        assert!(
            report.frames.iter().any(|frame| frame.function == "foo_ioctl"),
            "{name}: {:?}",
            report.frames
        );
        assert!(report.complete, "{name}: {:?}", report.missing);
    }
}

/// A report of lockdep's with its banner, its own lines, and the backtrace that ends it.
fn lockdep(banner: &str, lines: &str) -> Report {
    report(&format!(
        "=====================================\n{banner}\n6.1.0 #1 Not tainted\n-------------------------------------\n{lines}\n\n\
         stack backtrace:\nCPU: 0 PID: 7 Comm: test Not tainted 6.1.0 #1\nCall Trace:\n <TASK>\n dump_stack_lvl+0x1/0x2\n foo_ioctl+0x1/0x2 [foo]\n </TASK>\n"
    ))
}

#[test]
fn rare_reports_of_lockdep() {
    let contention = lockdep(
        "WARNING: bad contention detected!",
        "test/7 is trying to contend lock (&foo->lock) at:\n[<ffffffff81234567>] foo_ioctl+0x1/0x2 [foo]\nbut there are no locks held!\n\n\
         other info that might help us debug this:\nno locks held by test/7.",
    );
    assert_eq!((contention.kind, &contention.missing[..]), (Kind::BadContention, &[][..]));
    assert_eq!(contention.acquiring.as_ref().map(ToString::to_string).as_deref(), Some("&foo->lock"));

    let collision = lockdep(
        "WARNING: chain_key collision",
        "test/7: Hash chain already cached but the contents don't match!\nHeld chain and hash key: \ndepth: 2\n\
         class_idx:5 -> chain_key:0000000000000007 (&foo->lock){+.+.}-{3:3}\nLocks in cached chain:depth: 1\n\
         class_idx:6 -> chain_key:0000000000000009 (&bar->lock){+.+.}-{3:3}",
    );
    assert_eq!((collision.kind, &collision.missing[..]), (Kind::ChainCollision, &[][..]));
    assert_eq!(collision.task.as_ref().map(ToString::to_string).as_deref(), Some("test/7"));

    let wait = lockdep(
        "[ BUG: Invalid wait context ]",
        "test/7 is trying to lock:\nffff888100000000 (&foo->lock){+.+.}-{3:3}, at: foo_ioctl+0x1/0x2 [foo]\n\
         other info that might help us debug this:\ncontext-{2:2}\n1 lock held by test/7:\n\
          #0: ffff888100000001 (rcu_read_lock){....}-{1:2}, at: foo_ioctl+0x1/0x2 [foo]",
    );
    assert_eq!((wait.kind, &wait.missing[..]), (Kind::WaitContext, &[][..]));
    assert_eq!(wait.held.iter().map(ToString::to_string).collect::<Vec<_>>(), ["rcu_read_lock"]);

    let old_exit = report(
        "=====================================\n[ BUG: test/7 still has locks held! ]\n3.9.0 #1 Not tainted\n-------------------------------------\n\
         1 lock held by test/7:\n #0:  (&foo->lock){+.+.+.}, at: [<ffffffffa0001234>] foo_ioctl+0x10/0x20 [foo]\n\nstack backtrace:\n\
         Pid: 7, comm: test Not tainted 3.9.0 #1\nCall Trace:\n [<ffffffff81401234>] debug_check_no_locks_held+0x4d/0x63\n [<ffffffff81405678>] do_exit+0x10/0x20\n",
    );
    assert_eq!((old_exit.kind, &old_exit.missing[..]), (Kind::StillHeld, &[][..]));
}
