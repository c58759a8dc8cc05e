//! Places where cases run: this machine, a QEMU guest.
