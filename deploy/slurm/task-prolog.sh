#!/bin/sh
# TaskProlog of Slurm: settings of the site, for each task of srun. Change the values.
# Slurm adds to the environment of a task what a TaskProlog prints as "export NAME=VALUE". What the user has set stays.
site() {
    eval "[ -n \"\${$1:-}\" ]" || echo "export $1=$2"
}
site TRAINWATT_ZONE FR
site TRAINWATT_PUE 1.2
site TRAINWATT_DB postgresql://db.example.org/trainwatt
