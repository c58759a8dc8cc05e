//! What a record tells of.

/// Of recvmsg's flags: the message stays (include/linux/socket.h).
pub const MSG_PEEK: u32 = 2;
/// Among the flags that recvmsg gives back: there was no room for all control data.
pub const MSG_CTRUNC: u32 = 8;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// What a record tells of. `fd`, `request` and `result` are the slot's fields; a `result` below zero is
        /// a negated errno.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $name = $number,)* }

        impl Kind {
            /// The kind of that number, if this version knows it.
            pub fn from_u8(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }

            /// Its name in text and JSON.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// A whole ioctl: its argument as it was after the call.
    Ioctl = 1, "ioctl";
    /// An ioctl that may block is about to be made; `exit` and `result` are 0, the payload is what was passed in.
    IoctlEnter = 2, "ioctl-enter";
    /// The ioctl of an earlier `IoctlEnter` came back; its `enter` is that record's. The payload is what came back.
    IoctlExit = 3, "ioctl-exit";
    /// open, openat, creat and their like of a path of interest. `result` is the fd, `request` the flags;
    /// sections PATH, and DRIVER where the device told it.
    Open = 4, "open";
    /// close(fd), of an fd of interest. The fd is free from `enter` on.
    Close = 5, "close";
    /// close_range(fd, request, flags): sections FLAGS. `request` is the last fd.
    CloseRange = 6, "close-range";
    /// dup family and F_DUPFD: `fd` is the old, `result` the new one, `request` the flags.
    Dup = 7, "dup";
    /// sendmsg or sendmmsg with SCM_RIGHTS that has worked: `fd` is the socket, `request` the flags, section FDS what was sent.
    /// Given away at `enter`.
    Send = 8, "send-fds";
    /// recvmsg or recvmmsg with SCM_RIGHTS: `fd` is the socket, section FDS what came, at `exit`; `request` the flags, with
    /// [`MSG_CTRUNC`] if control data was cut, and so maybe fds.
    Receive = 9, "receive-fds";
    /// socketpair: section FDS.
    SocketPair = 10, "socketpair";
    /// connect of an AF_UNIX socket: section ADDRESS.
    Connect = 11, "connect";
    /// bind of an AF_UNIX socket: section ADDRESS.
    Bind = 12, "bind";
    /// accept on an AF_UNIX socket: `result` is the new fd.
    Accept = 13, "accept";
    /// pidfd_open of process `request`: `result` is the pidfd.
    PidfdOpen = 14, "pidfd-open";
    /// pidfd_getfd of fd `request` of the process of pidfd `fd`: `result` is the new fd.
    PidfdGetfd = 15, "pidfd-getfd";
    /// fork, _Fork, or clone without CLONE_VM, in the parent: `result` is the child's pid, `request` the clone flags.
    Fork = 16, "fork";
    /// vfork, or clone with CLONE_VM and without CLONE_THREAD, in the parent, after it: as `Fork`.
    Vfork = 17, "vfork";
    /// posix_spawn: `result` is the child's pid; section PATH. `request` is 1 if its environment lacks the session.
    Spawn = 18, "spawn";
    /// An exec is about to be made: section PATH. `request` is 1 if the new environment lacks the session. A
    /// failed one is followed by the same kind with its `result`.
    Exec = 19, "exec";
    /// An fd of interest that the program was started with: section PATH is its link in /proc/self/fd, `request`
    /// the low half of its inode.
    Inherited = 20, "inherited";
    /// poll, ppoll, select or pselect on fds of interest is about to be made: sections FDS and TIMEOUT.
    PollEnter = 21, "poll-enter";
    /// It came back: section FDS are those ready, `result` what poll returned.
    PollExit = 22, "poll-exit";
    /// Records of this thread that are gone: `request` says how many, `enter` and `exit` between when.
    Dropped = 23, "dropped";
    /// chroot, setuid and their like, or seccomp: from here on an exec may not find the session. `request` is
    /// the system call's number.
    Confined = 24, "confined";
    /// A child that shares its parent's memory, and so has no [`crate::ProcessHeader`] of its own, is about to end: `request`
    /// is its status as waitpid gives it. All others say so in their header.
    Exit = 25, "exit";
}
