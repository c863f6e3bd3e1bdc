"""Street views downloaded at sampling points: resumable, within quotas, each view exactly once."""
