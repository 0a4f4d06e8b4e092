"""The coach's mind: a question and a scope in, a grounded answer out. The model-free composer that ships is the default voice."""
