-- A module of Lmod: trainwatt, with the settings of the site. Change the path and the values.
help("Energy and carbon of training runs: trainwatt --help")
prepend_path("PATH", "/opt/trainwatt/bin")
setenv("TRAINWATT_ZONE", "FR")
setenv("TRAINWATT_PUE", "1.2")
setenv("TRAINWATT_DB", "postgresql://db.example.org/trainwatt")
