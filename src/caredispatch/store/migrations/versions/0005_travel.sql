-- How long a patient travels to their visits, in minutes: all that decisions know of where they live (D18, D32).
alter table care.patients add column travel_minutes int check (travel_minutes between 0 and 600);
