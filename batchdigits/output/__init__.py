"""Write predictions to files, atomically and so that a run can be resumed."""
