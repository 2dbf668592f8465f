"""A notebook becomes a report: parameters in, papermill, verdict, one HTML file out."""
