"""Access logs: who came, under whose name, and against which words (`maymine logs`)."""
