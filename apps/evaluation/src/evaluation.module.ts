import { Module } from '@nestjs/common';
import { EvaluateHandler } from './evaluate/evaluate.handler.js';
import { ScoreStore } from './evaluate/score.store.js';

@Module({ providers: [EvaluateHandler, ScoreStore] })
export class EvaluationModule {}
